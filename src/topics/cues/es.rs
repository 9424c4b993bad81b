//! Spanish.

use super::Lists;

pub(super) const LISTS: Lists = Lists {
    negation: "no, nunca, jamás, nadie, nada, ninguno, ninguna, ningún, tampoco, ni, sin, ya no",
    against: "en desacuerdo, no estoy de acuerdo, desacuerdo, contra, en contra, opongo, me opongo, rechazo, rechazar, error, \
        equivocado, equivocada, mala idea, de ninguna manera, inaceptable, no funciona, no sirve, no me convence, \
        objeción, objeto, insisto, sigo pensando, al contrario, absurdo, arriesgado, riesgo, peligroso, falso, \
        incorrecto, no es cierto, no tiene sentido, veto, me niego, discrepo, demasiado, imposible, dudo",
    contrast: "pero, sin embargo, en cambio, sino, en lugar de, en vez de, aunque, no obstante, por el contrario, \
        mientras que, más bien",
    propose: "deberíamos, debería, deberían, debe, debemos, deben, hay que, propongo, propuesta, proponer, sugiero, \
        sugerencia, prefiero, preferible, mejor, recomiendo, tenemos que, tiene que, quiero, voto por, conviene, \
        más seguro, más sencillo, defiendo, apuesto",
    agree: "de acuerdo, acordado, acordamos, me parece bien, suena bien, consenso, quedamos, trato hecho, me vale, hecho así, nos quedamos con, vamos con, me viene bien, me va bien, está bien, tienes razón, tiene razón, buena idea, por mí bien, conforme, así lo hacemos, cierto, me parece, acepto",
    done: "hecho, listo, lista, resuelto, resuelta, solucionado, solucionada, arreglado, arreglada, terminado, terminada, \
        completado, completada, cerrado, cerrada, desplegado, desbloqueado, fusionado, entregado, acabado, borrado, \
        subido, publicado, llegado, reparado, actualizado, revisado, agotado, como previsto, como siempre, todo bien, \
        guardado, enviado, enviada, en línea, completo, sin novedad, sin incidencias, cerrados, llegaron, ya está",
    claim: "yo me encargo, me encargo, me ocupo, lo hago yo, lo haré, estoy trabajando, trabajando en, he empezado, empecé, \
        ya empecé, estoy haciendo, voy a, estoy con, me lo quedo, asumo, lo tomo, estoy escribiendo, he comenzado, \
        comencé, estoy preparando, me pongo, tengo empezado",
    wait: "espero, esperando, esperar, espera, esperamos, a la espera, bloqueado, bloqueada, bloqueados, bloquea, bloqueo, \
        atascado, atascada, parado, parada, depende, dependo, dependemos, no puedo empezar, no puedo continuar, \
        no puedo seguir, no puedo avanzar, no podemos, hasta que, hasta, antes de que, falta, faltan, me falta, \
        pendiente, pendientes, sin poder, detenido, detenida",
    hand_over: "traspaso, traspasar, relevo, quién se encarga, quién se ocupa, quién lo hace, quién hace, quién lleva, \
        responsable, responsabilidad, asignar, asignado, encargado, alguien tiene que, nadie se encarga, ceder, \
        hacerse cargo, se hace cargo, voluntario, voluntarios, sustituir, quién puede",
    overlap: "ambos, ambas, los dos, las dos, duplicado, duplicada, duplicando, duplicar, dos veces, lo mismo, el mismo, \
        la misma, mismo, misma, mismas, a la vez, al mismo tiempo, también estoy, yo también, solapa, solapan, \
        solapamiento, choca, chocan, choque, colisión, en paralelo, pisando, pisamos, simultáneamente, sobrescribir, \
        sobrescrito, coinciden",
    plan: "coordinar, coordinación, coordinarnos, horario, calendario, programar, planificar, turno, turnos, ventana, \
        franja, orden, secuencia, sincronizar, despliegue, reservar, reservado, reservada, cronograma, fecha",
    urgent: "urgente, urge, urgentemente, inmediatamente, de inmediato, crítico, crítica, emergencia, plazo, cuanto antes, \
        lo antes posible, ahora mismo, hoy mismo, hoy, caída, caído, vence, prioridad, escalar",
    hedge: "quizás, quizá, tal vez, no sé, no lo sé, no sabemos, nadie sabe, ni idea, no estoy seguro, no estoy segura, \
        no está claro, duda, dudas, buena pregunta, a lo mejor, puede que, podría, podría ser, voy a preguntar, \
        pregunto, voy a mirar, lo miro, lo consulto, difícil decir, sin decidir, pendiente de decidir, posiblemente, \
        habría que ver, por definir, sin respuesta, la misma pregunta, la misma duda, todavía no, aún no, \
        nadie ha respondido, abierto, abierta",
    ask: "quién, qué, cuándo, dónde, cuál, cuáles, por qué, cómo, cuánto, cuántos, cuánta, cuántas, alguien sabe, \
        alguien puede, podemos, debemos, hay algún, hay alguna, sabéis, sabes, saben, se puede, pregunta, tenemos, \
        es necesario, hace falta, alguien tiene, podéis, puedes",
    courtesy: "hola, buenos días, buenas, buenas tardes, gracias, muchas gracias, de nada, bienvenido, jaja, jajaja, fin de semana, almuerzo, café, cumpleaños, felicidades, enhorabuena, genial, estupendo, qué tal, cómo estás, hasta luego, hasta mañana, adiós, chiste, vacaciones, tiempo hace, comida, perfecto, saludos, tarta, entendido, exacto, maravilloso, excelente, fenomenal, ningún problema, por supuesto, mil gracias, de maravilla, muy bien",
    heard: "anotado, anotada, recibido, recibida, visto, leído, apuntado, registrado, tomo nota, queda anotado, enterado",
    filler: "también, ya, así, aquí, ahí, hoy, mañana, ayer, ahora, luego, después, antes, siempre, todo, todos, toda, \
        todas, cada, uno, dos, tres, bien, mal, bueno, buena, malo, nuevo, nueva, creo, pienso, parece, hacer, hace, \
        hacemos, tener, tengo, tiene, tienen, poder, puedo, puede, pueden, decir, dice, ver, ir, va, vamos, dar, saber, \
        sabe, quiere, querer, lunes, martes, miércoles, jueves, viernes, sábado, domingo, hora, horas, día, días, \
        semana, minuto, minutos, tiempo, vez, veces, cosa, cosas, parte, alguien, algo, gente, favor, ok, vale, sí, \
        claro, entonces, solo, sólo, mucho, muchos, mucha, muchas, poco, más, menos, muy, tan, primero, primera, \
        último, última, siguiente, problema, pregunta, respuesta, razón, caso, punto, lado, queda, seguir, sigue, \
        estar, ser, sido, haber, he, has, ha, hemos, han, aún, todavía, casi, según, hacia, desde, mensaje, usar, \
        necesito, necesitamos, necesita, falta, debo",
};
