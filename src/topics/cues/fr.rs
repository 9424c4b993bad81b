//! French.

use super::Lists;

pub(super) const LISTS: Lists = Lists {
    negation: "ne, n, pas, non, jamais, personne, rien, aucun, aucune, ni, sans, plus du tout",
    against: "pas d'accord, désaccord, contre, m'oppose, oppose, opposé, opposée, refuse, refuser, rejette, rejeter, faux, \
        erreur, tort, mauvaise idée, pas question, hors de question, inacceptable, ne marche pas, ne fonctionne pas, \
        ne convient pas, objection, insiste, maintiens, persiste, au contraire, absurde, trop risqué, risqué, risque, \
        dangereux, incorrect, pas vrai, pas convaincu, pas convaincue, n'a pas de sens, veto, conteste, je doute, \
        excessif, impossible, inverse",
    contrast: "mais, cependant, pourtant, plutôt, au lieu de, en revanche, toutefois, par contre, alors que, tandis que, \
        quand même, bien que",
    propose: "devrait, devrions, devraient, doit, devons, doivent, il faut, faut, faudrait, propose, proposition, proposer, \
        suggère, suggestion, préfère, préférable, mieux, recommande, je veux, vaut mieux, vote pour, suis pour, \
        plus sûr, plus simple, défends, préconise",
    agree: "d'accord, ça me va, me convient, ça marche, consensus, convenu, on part sur, on garde, parfait pour moi, adopté, adoptée, marché conclu, me va, tu as raison, vous avez raison, bonne idée, soit, comme ça, je me range, j'accepte, vendu, on fait ça, va pour",
    done: "fait, c'est fait, terminé, terminée, résolu, résolue, réglé, réglée, corrigé, corrigée, fini, finie, fermé, \
        fermée, livré, livrée, déployé, débloqué, débloquée, fusionné, achevé, supprimé, publié, arrivé, réparé, \
        mis à jour, vérifié, épuisé, comme prévu, comme d'habitude, tout va bien, enregistré, envoyé, envoyée, \
        en ligne, prêt, prête, complet, rien à signaler, revenus, rentré, ouvert de nouveau",
    claim: "je m'en occupe, m'en occupe, je m'occupe, je prends, je le prends, je m'en charge, m'en charge, je me charge, \
        je fais, je travaille, travaille sur, j'ai commencé, j'ai déjà commencé, ai commencé, je commence, je vais, \
        je suis en train, en train de, je suis dessus, je réécris, j'écris, je prépare, j'attaque, j'ai entamé",
    wait: "attends, j'attends, attend, attendons, attendre, attente, en attente, bloqué, bloquée, bloqués, bloquées, \
        bloque, bloquent, coincé, coincée, dépend, dépends, dépendons, ne peux pas commencer, ne peux pas continuer, \
        ne peux pas avancer, ne peut pas, jusqu'à, tant que, avant que, avant de pouvoir, manque, manquent, \
        il me manque, suspendu, arrêt, à l'arrêt",
    hand_over: "passation, passer la main, relais, relève, qui s'en occupe, qui s'occupe, qui prend, qui fait, qui se charge, \
        qui gère, responsable, responsabilité, attribuer, assigner, attribué, quelqu'un doit, personne ne s'en occupe, \
        reprendre, transférer, transmettre, volontaire, volontaires, remplacer, qui peut",
    overlap: "tous les deux, toutes les deux, les deux, double, doublon, doublons, deux fois, même, mêmes, la même chose, \
        même travail, en même temps, moi aussi, chevauche, chevauchent, chevauchement, collision, en parallèle, \
        simultanément, marche dessus, se marche, écraser, écrasé, entre en conflit",
    plan: "coordonner, coordination, planning, calendrier, planifier, créneau, créneaux, fenêtre, ordre, séquence, \
        synchroniser, horaire, déploiement, réserver, réservé, réservée, échéancier, date, bascule",
    urgent: "urgent, urgente, urgence, immédiatement, tout de suite, critique, délai, échéance, au plus vite, \
        dès que possible, aujourd'hui, panne, en retard, priorité, presse, rapidement, ce soir, escalader",
    hedge: "peut-être, sais pas, je ne sais pas, ne sait pas, personne ne sait, aucune idée, pas sûr, pas sûre, \
        pas certain, pas certaine, pas clair, bonne question, doute, éventuellement, possible, pourrait, \
        je vais demander, je demande, je regarde, je vérifie, je vais voir, difficile à dire, indécis, pas encore, \
        à voir, à définir, reste ouverte, reste ouvert, sans réponse, même question, me demande, il se peut, \
        pas de réponse, ça dépend, toujours pas",
    ask: "qui, que, quoi, quand, où, quel, quelle, quels, quelles, pourquoi, comment, combien, est-ce, est-ce que, \
        qu'est-ce, quelqu'un sait, quelqu'un peut, peut-on, doit-on, faut-il, devons-nous, pouvons-nous, y a-t-il, \
        sais-tu, savez-vous, question, avons-nous, peux-tu, pouvez-vous",
    courtesy: "bonjour, salut, bonsoir, merci, merci beaucoup, de rien, bienvenue, haha, mdr, week-end, déjeuner, café, anniversaire, félicitations, super, génial, comment ça va, ça va, bonne journée, bonne soirée, à demain, au revoir, blague, vacances, météo, bravo, repas, coucou, gâteau, compris, parfait, exactement, merveilleux, excellent, magnifique, pas de problème, bien sûr, entendu, impeccable, très bien, ravi, ravie",
    heard: "noté, reçu, bien reçu, vu, lu, message lu, c'est noté, enregistré, pris note, je note",
    filler: "aussi, déjà, encore, bien, mal, bon, bonne, mauvais, nouveau, nouvelle, aujourd'hui, demain, hier, maintenant, \
        bientôt, tard, toujours, tout, tous, toute, toutes, chaque, un, une, deux, trois, pense, crois, trouve, faire, \
        fait, fais, faisons, avoir, être, aller, va, vais, vont, pouvoir, peux, peut, peuvent, dire, dit, voir, vois, \
        savoir, sait, veux, veut, vouloir, lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche, heure, heures, \
        jour, jours, semaine, minute, minutes, temps, fois, chose, choses, partie, quelqu'un, quelque, gens, plaît, ok, \
        oui, clair, alors, donc, seulement, beaucoup, peu, plus, moins, très, si, premier, première, dernier, dernière, \
        prochain, prochaine, problème, question, réponse, raison, cas, point, côté, reste, rester, comme, car, parce, \
        depuis, vers, chez, après, avant, cela, ça, ceci, celui, celle, ici, là, faut, besoin, message, utiliser, \
        mettre, donner, prendre, quel, quelle, quand, comment, pourquoi, où, combien, dont, autre, autres",
};
