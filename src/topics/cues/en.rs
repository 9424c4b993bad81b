//! English.

use super::Lists;

pub(super) const LISTS: Lists = Lists {
    negation: "not, no, never, none, nobody, nothing, neither, nor, cannot, can't, don't, doesn't, didn't, won't, wouldn't, \
        shouldn't, couldn't, isn't, aren't, wasn't, haven't, hasn't, without, hardly, no longer",
    against: "disagree, object to, i object, oppose, opposed to, against, wrong, mistake, mistaken, reject, veto, refuse, \
        bad idea, terrible idea, bad choice, not convinced, won't work, does not work, doesn't work for, unacceptable, \
        no way, overkill, nonsense, makes no sense, too risky, a risk, dangerous, the opposite, contradict, \
        contradiction, not true, incorrect, can't support, insist, still think, stick with, stick to, stand by, \
        contrary to, dispute, pushing back, push back, unconvinced, i doubt, not an option, out of the question, \
        revert, overrule, won't accept, defeats the",
    contrast: "but, however, instead, rather, on the contrary, whereas, although, though, despite, nevertheless, even so, \
        otherwise, yet, on the other hand, versus, vs",
    propose: "should, must, ought to, propose, proposal, suggest, suggestion, prefer, preference, recommend, better, let's, \
        let us, favour, favor, i want, i vote, we need to, has to, have to, my vote, advocate, i'd go for, \
        i would go for, makes more sense, safer, simpler",
    agree: "agree, agreed, works for me, sounds good, fine with me, fine by me, fine for me, go with, going with, consensus, settled, settle on, settled on, no objection, deal, okay with me, ok with me, i withdraw, let's do that, good call, that works, on board, signed off, fair enough, that's fine, is fine, are fine, suits me, i accept, happy with, you're right, you are right, makes sense, good idea, good plan, point taken, can live with, as you say, all right then, okay then, ok then, fine then, that settles it, happy to, no objections",
    done: "done, fixed, resolved, solved, finished, completed, complete, merged, shipped, sorted, closed, unblocked, \
        cleared, all green, is live, is up, handed over, has landed, passed, delivered, deleted, uploaded, published, \
        arrived, repaired, updated, calibrated, reviewed, sold out, as planned, as usual, all good, no blockers, saved, \
        sent, online, back to normal, ready, nothing to report, accepted, running again",
    claim: "i'll take, i will take, i take, i am taking, i'm taking, taking this, i am on, i'm on it, i'll do, i will do, \
        i'm doing, i am doing, i'll handle, i will handle, i'm handling, i'm working on, i am working on, working on, \
        i started, i have started, i've started, i began, i already started, i own, i'll own, i'm rewriting, \
        i am rewriting, i'll start, i will start, i picked up, picked up, i'm building, i am building, i'm going to, \
        i claimed, claimed it, already claimed, i've begun, assigned to me, on my list, my plan is to, also building, i plan to, my job, \
        i assumed i",
    wait: "wait, waiting, waits, blocked, blocks, blocking, blocker, stuck, depends on, dependent on, can't start, \
        cannot start, can't continue, cannot continue, can't proceed, cannot proceed, can't begin, cannot begin, until, \
        on hold, held up, idle, before i can, before we can, need it before, needs it before, first need, still need, \
        still needs, still missing, unable to, queued behind, need access, no progress, holding, held",
    hand_over: "hand over, handover, hand off, handoff, take over, pass on, who takes, who owns, who will, who does, \
        who is doing, who's doing, owner, ownership, responsible, responsibility, nobody owns, no owner, \
        someone has to, somebody has to, assign, unassigned, who can take, cover for, volunteer, volunteers, delegate, \
        whose job, who is going",
    overlap: "both, duplicate, duplicated, duplication, twice, same work, same thing, same task, same file, same time, \
        same slot, same window, same machine, overlap, overlapping, collide, collision, clash, in parallel, \
        already doing, already working, already started, also working, also doing, also started, each other, \
        double booked, double, two of us, stepping on, conflicting, at the same time, at once, in each other's, \
        merge conflict, overwrite, overwrote, redundant",
    plan: "coordinate, coordination, schedule, align, sync, sequence, slot, window, roll out, rollout, timing, \
        synchronise, synchronize, time slot, calendar, order of, in which order, before or after, reserve, reserved, \
        booked, book, cutover, freeze, timetable, rota",
    urgent: "urgent, urgently, asap, immediately, critical, emergency, deadline, right now, as soon as possible, by tonight, \
        tonight, today, running out, overdue, time is short, outage, production is down, still down, escalate, \
        priority, by noon, by tomorrow, quickly",
    hedge: "maybe, perhaps, not sure, unsure, don't know, do not know, doesn't know, no idea, no clue, can't say, \
        cannot say, hard to say, good question, i guess, might, unclear, undecided, open question, unanswered, \
        still open, not decided, wondering the same, same question, will check, let me check, i'll check, i'll ask, \
        let me ask, have to ask, need to ask, will look, i'll look, let me think, ask someone, ask somebody, \
        can't tell, wonder, either way, depends, not my, get back to you, looking into, no answer, nobody answered, \
        anyone know, could be, possibly, still wondering, any news, any update, to be decided, tbd, not certain, \
        nobody knows, no one knows, nobody has, not yet, wish i knew",
    ask: "who, what, when, where, which, why, how, whose, should we, shall we, do we, can we, could we, does anyone, \
        does anybody, can anyone, can anybody, can someone, could someone, is there, are there, do you know, any idea, \
        is it, are we, would it, will we, did anyone, has anyone, i need to know, we need to know, we need an answer, \
        tell me, please clarify, please confirm, question, wondering whether, wondering if, wonder if, wonder whether, \
        want to know, is anyone, does the, is the, are the, asking again, does it, do they, can the",
    courtesy: "hello, hi, hey, good morning, good evening, good afternoon, morning, thanks, thank you, cheers, welcome, lol, haha, weekend, lunch, coffee, birthday, congratulations, congrats, nice, great, awesome, enjoy, weather, how are you, how is it going, how was, have a good, see you, bye, joke, fun, holiday, dinner, breakfast, movie, song, guess what, well done, kudos, cake, tea, perfect, exactly, will do, brilliant, wonderful, lovely, gorgeous, excellent, cool, sure thing, of course, fantastic, superb, thx, ta, tx, tks, pleased, no problem",
    heard: "noted, got it, received, seen, copy that, copy, roger, logged, queued, ack, acknowledged, message read, on record, taken down",
    filler: "also, would, could, please, one, two, three, think, like, really, thing, way, get, got, go, going, make, made, \
        use, need, want, know, see, say, said, take, still, well, right, back, good, bad, new, old, first, last, next, \
        today, tomorrow, yesterday, now, soon, later, already, ok, okay, yes, yeah, yep, sure, may, put, let, time, \
        day, hour, minute, week, morning, afternoon, evening, monday, tuesday, wednesday, thursday, friday, saturday, \
        sunday, much, many, lot, bit, even, every, anyone, someone, everyone, something, anything, everything, people, \
        us, keep, look, work, done, ask, tell, give, come, start, end, since, via, per, around, another, without, \
        quite, actually, currently, probably, update, fyi, btw, hi, mean, seem, feel, try, help, point, idea, question, \
        answer, reason, case, issue, problem, change, option, whole, part, side, second, long, little, big, small, \
        high, low, whatever, else, away, yet, ever, almost, always, plus, message, reply, agent, team, everybody, \
        anybody, nobody, far, short, clear, hold, run, set, best, moment, meanwhile, note, check, sound, happen, call, \
        enough, instead, together, exactly, within, rest, real, full, own, plan",
};
