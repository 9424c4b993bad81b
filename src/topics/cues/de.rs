//! German.

use super::Lists;

pub(super) const LISTS: Lists = Lists {
    negation: "nicht, nein, kein, keine, keinen, keiner, keinem, keines, nie, niemals, niemand, nichts, weder, ohne, \
        nicht mehr, kaum",
    against: "dagegen, widerspreche, widersprechen, widerspruch, lehne, ablehnen, abgelehnt, falsch, fehler, irrtum, \
        schlechte idee, keine gute idee, unsinn, auf keinen fall, keinesfalls, gegen, einwand, bedenken, bestehe, \
        beharre, bleibe bei, bleibe dabei, unmöglich, inakzeptabel, anderer meinung, sehe das anders, sehe ich anders, \
        anders, nicht einverstanden, überzeugt mich nicht, nicht überzeugt, zu riskant, riskant, gefährlich, \
        im gegenteil, stimmt nicht, geht nicht, funktioniert nicht, das halte ich für, kommt nicht in frage, \
        nicht sinnvoll, übertrieben, veto, weigere, bezweifle",
    contrast: "aber, sondern, jedoch, stattdessen, dennoch, trotzdem, hingegen, dagegen, allerdings, andererseits, obwohl, \
        doch, lieber, statt, anstatt",
    propose: "sollte, sollten, soll, sollen, muss, müssen, schlage vor, vorschlag, vorschlage, vorschlagen, bevorzuge, \
        bin für, wäre besser, besser, empfehle, plädiere, möchte, ich will, wir brauchen, lasst uns, lass uns, \
        stimme für, sinnvoller, sicherer, einfacher",
    agree: "einverstanden, stimme zu, stimme dir zu, zugestimmt, einig, geeinigt, beschlossen, passt für mich, klingt gut, in ordnung, geklärt, dabei bleibt es, abgemacht, wir nehmen, so machen wir, machen wir so, geht klar, ziehe zurück, passt, passt so, das reicht, hast recht, haben recht, ist mir recht, gute idee, guter vorschlag, meinetwegen, kann ich leben, bin dabei, überzeugt, von mir aus, gilt, dann so",
    done: "erledigt, fertig, behoben, gelöst, abgeschlossen, geschlossen, gemergt, ausgeliefert, beendet, läuft wieder, \
        freigegeben, übergeben, repariert, gelöscht, hochgeladen, veröffentlicht, eingetroffen, aktualisiert, geprüft, \
        ausverkauft, wie geplant, wie üblich, wie immer, alles gut, gespeichert, verschickt, online, bereit, \
        vollständig, wieder da",
    claim: "ich übernehme, übernehme, ich mache, mache ich, ich kümmere mich, kümmere mich, arbeite an, ich arbeite, \
        arbeite gerade, habe angefangen, angefangen, begonnen, ich baue, ich schreibe, fange an, ich fange, bin dran, \
        bin schon dran, sitze an, sitze gerade, mein plan, ich werde, habe ich mir, ich starte",
    wait: "warte, warten, wartet, gewartet, blockiert, blockieren, blockierer, hänge fest, hängen, hängt, hängt von, \
        abhängig, kann nicht anfangen, kann nicht weiter, komme nicht weiter, kommen nicht weiter, bevor ich, \
        bevor wir, bis, erst wenn, brauche erst, fehlt noch, fehlt mir, fehlen, fehlt, stehe still, steht still, \
        solange, ausstehend, angewiesen, nicht weiter",
    hand_over: "übergabe, übergeben, wer übernimmt, wer macht, wer kümmert, zuständig, zuständigkeit, verantwortlich, \
        verantwortung, übernehmen, weitergeben, abgeben, wer hat, wer ist, jemand muss, niemand zuständig, zuweisen, \
        vertretung, vertreten, freiwillige, wer kann",
    overlap: "beide, doppelt, zweimal, dasselbe, dieselbe, denselben, dieselben, gleiche, gleichen, gleichzeitig, \
        überschneidet, überschneiden, überschneidung, kollidiert, kollidieren, kollision, parallel, auch schon, \
        auch gerade, ebenfalls, gegenseitig, in die quere, überschreiben, überschrieben, zugleich",
    plan: "koordinieren, abstimmen, abstimmung, absprechen, absprache, zeitplan, termin, reihenfolge, zeitfenster, \
        wartungsfenster, fenster, planen, rollout, reservieren, reserviert, gebucht, umstellung, dienstplan, ablauf",
    urgent: "dringend, sofort, kritisch, notfall, eilig, eilt, frist, so schnell wie möglich, schnellstmöglich, heute noch, \
        heute, ausfall, überfällig, stichtag, bis morgen, eskalieren, höchste zeit, unverzüglich",
    hedge: "vielleicht, weiß nicht, weiß ich nicht, weiß auch nicht, weiß es nicht, keine ahnung, nicht sicher, unsicher, \
        unklar, offen, ungeklärt, gute frage, frage ich mich auch, eventuell, möglicherweise, muss fragen, frage nach, \
        frage mal, schaue nach, prüfe, kläre, schwer zu sagen, vermutlich, kommt darauf an, unentschieden, noch nicht, \
        steht noch, könnte, melde mich, weiß niemand, weiß keiner, noch keine antwort, keine antwort, dieselbe frage",
    ask: "wer, was, wann, wo, welche, welcher, welches, welchen, warum, wieso, weshalb, wie, wessen, sollen wir, \
        sollten wir, können wir, kann jemand, weiß jemand, gibt es, hat jemand, könnte jemand, müssen wir, dürfen wir, \
        bleibt die frage, frage, ist das, wird das, habt ihr, kannst du, bitte klären, wisst ihr, weißt du",
    courtesy: "hallo, hi, guten morgen, moin, guten tag, danke, dankeschön, vielen dank, willkommen, haha, lol, wochenende, mittagessen, kaffee, geburtstag, glückwunsch, super, toll, prima, schönen, schöne, wetter, wie geht's, wie geht es, tschüss, bis später, bis morgen, feierabend, urlaub, witz, gern, gerne, kuchen, prost, servus, mahlzeit, verstanden, perfekt, genau, wird gemacht, wunderbar, großartig, hervorragend, freut mich, klasse, alles klar, kein problem, danke dir, sehr schön, bestens",
    heard: "notiert, erhalten, angekommen, gelesen, eingetragen, vermerkt, zur kenntnis genommen, ist eingegangen, eingegangen",
    filler: "auch, schon, noch, mal, bitte, eins, zwei, drei, denke, glaube, finde, gut, schlecht, neu, alt, heute, morgen, \
        gestern, jetzt, bald, später, ok, okay, ja, genau, klar, geht, gehen, kommt, kommen, machen, macht, gemacht, \
        gibt, geben, brauchen, wissen, sagen, sehen, zeit, tag, stunde, minute, woche, montag, dienstag, mittwoch, \
        donnerstag, freitag, samstag, sonntag, viel, viele, mehr, wenig, immer, wieder, ganz, sehr, etwa, etwas, alle, \
        alles, jemand, leute, eigentlich, gerade, wohl, halt, eben, einfach, erst, erste, ersten, letzte, nächste, \
        dafür, dazu, davon, daran, damit, darüber, dabei, sonst, dann, weil, wäre, hätte, würde, könnte, sein, haben, \
        bleibt, bleiben, steht, stehen, liegt, lassen, nehmen, nimmt, punkt, frage, antwort, problem, grund, sache, \
        fall, seite, teil, vor, nach, seit, beim, zum, zur, ins, vom, wirklich, natürlich, läuft, laufen, stand, info, \
        übrigens, nachricht, tun, tut, gleich, lang, lange, kurz, groß, klein, dran, eure, euch",
};
