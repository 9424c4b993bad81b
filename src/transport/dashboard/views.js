// What things look like. All text comes from agents or of what they said, so it only ever becomes text.

/** An element with attributes and children; strings among them become text, never markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== undefined));
  return made;
}

const text = (tag, style, words) => {
  const made = element(tag, { class: style });
  made.textContent = words;
  return made;
};

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const at = (instant) => when.format(new Date(instant));
const spaced = (word) => word.replaceAll("_", " ");
const tag = (word) => text("span", `tag ${word}`, spaced(word));
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
const link = (meeting, words, id) => element("a", { href: `#meeting/${meeting}`, id }, words);

export const note = (words) => text("p", "note", words);
export const names = (ids, agents) => ids.map((id) => agents.get(id)?.name ?? id).join(", ");

const SHOWN_MAX = 4000;

function words(content) {
  const whole = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  const shown = whole.length > SHOWN_MAX ? `${whole.slice(0, SHOWN_MAX)}…` : whole;
  return text("p", "words", shown);
}

/** Messages of the log. */
export function evidence(messages, agents) {
  const one = (message) => {
    const sides = `${names([message.sender_id], agents)} to ${names([message.receiver_id], agents)}`;
    return element("li", {}, text("p", "who", `${sides}, ${at(message.timestamp)}`), words(message.message_content));
  };
  return element("ol", { class: "messages" }, messages.map(one));
}

/** A suggestion; `open` is called with the place for its evidence until it says that it is there, and `hold` when somebody wants the meeting. */
export function suggestion(topic, place, agents, open, hold) {
  const title = text("h3", "", topic.topic);
  title.id = `suggestion-${place}`;
  const meter = element("meter", { min: 0, max: 1, value: topic.priority, "aria-label": "priority" });
  const facts = element("p", { class: "facts" }, tag(topic.kind), " ", meter, ` priority ${topic.priority.toFixed(2)}`);
  const inside = element("div");
  const summary = `Evidence: ${counted(topic.related_communications.length, "message")}`;
  const details = element("details", {}, element("summary", {}, summary), inside);
  let isThere = false;
  details.addEventListener("toggle", async () => {
    if (!details.open || isThere) return;
    isThere = true;
    isThere = await open(inside);
  });
  const row = element("div", { class: "row" });
  if (topic.meeting) {
    row.append("A meeting deals with it: ", link(topic.meeting, "look at it", `hold-${place}`));
  } else {
    const button = element("button", { type: "button", class: "main", id: `hold-${place}`, "aria-describedby": title.id }, "Hold a meeting");
    button.addEventListener("click", hold);
    row.append(button);
  }
  const who = text("p", "facts", `Agents: ${names(topic.agents, agents)}`);
  return element("article", { class: "card", "aria-labelledby": title.id }, title, facts, text("p", "", topic.reason), who, details, row);
}

/** A meeting in a list. */
export function meeting(row) {
  const title = element("h3", {}, link(row.id, row.topic));
  const facts = element("p", { class: "facts" }, tag(row.outcome ?? row.status), ` ${progress(row)}`);
  return element("article", { class: "card" }, title, facts, text("p", "facts", at(row.created_at)));
}

function progress(row) {
  if (row.status === "pending") return "waits to begin";
  const round = `round ${row.current_round} of ${row.max_discussion_rounds}`;
  return row.status === "in_progress" ? round : `after ${round}`;
}

/** A decision in a list. */
export function decision(row) {
  const facts = element("p", { class: "facts" }, at(row.created_at), " · ", link(row.meeting_id, "its meeting"));
  return element("article", { class: "card decided" }, words(row.decision_content), facts);
}

/** The agent of a suggestion who can be invited. */
export const canCome = (agent) => agent.role === "agent" && !agent.revoked_at;

/** What is asked before a meeting is held. */
export function question(topic, invited, agents) {
  if (invited.length === 0) {
    return [text("h3", "", topic.topic), note("None of its agents can be invited: their tokens were taken back.")];
  }
  const messages = counted(topic.related_communications.length, "message");
  return [
    text("h3", "", topic.topic),
    text("p", "", `With ${names(invited, agents)}, and nobody else. They are shown the evidence: ${messages}.`),
    note("It begins when all of them have joined."),
  ];
}

/** A meeting with all that belongs to it. */
export function whole(meeting, agents) {
  const parts = [
    element("a", { href: "#" }, "All meetings"),
    text("h2", "", meeting.topic),
    element("p", { class: "facts" }, tag(meeting.outcome ?? meeting.status), ` ${progress(meeting)}`),
    text("p", "", standing(meeting, agents)),
    text("p", "facts", `In it: ${participants(meeting)}`),
  ];
  if (meeting.decision) {
    const { decision_content, rationale } = meeting.decision;
    parts.push(text("h3", "", "Decision"));
    parts.push(element("div", { class: "card decided" }, words(decision_content), text("p", "facts words", rationale)));
  }
  if (meeting.summary) parts.push(text("h3", "", "No decision"), words(meeting.summary));
  if (meeting.messages.length > 0) parts.push(text("h3", "", "What was said"), said(meeting.messages, agents));
  if (meeting.related_communications.length > 0) {
    const oldest = [...meeting.related_communications].reverse();
    parts.push(text("h3", "", "The messages that prompted it"), evidence(oldest, agents));
  }
  return parts;
}

function standing({ live }, agents) {
  if (!live) return "";
  if (live.paused) return "It is paused.";
  if (live.turn) return `${names([live.turn.agent_id], agents)} has the floor, until ${at(live.turn.deadline)}.`;
  if (live.ballot) {
    const { motion, voted, voters, deadline } = live.ballot;
    return `A ballot is open until ${at(deadline)}, ${voted.length} of ${voters.length} have voted. The motion: ${motion.content}`;
  }
  return "";
}

function participants(meeting) {
  const here = new Set((meeting.live?.participants ?? []).filter((one) => one.connected).map((one) => one.agent_id));
  const shown = (one) => (here.has(one.agent_id) ? `${one.name} (here)` : one.name);
  return meeting.participants.map(shown).join(", ");
}

function said(messages, agents) {
  const one = (message) => {
    const who = message.agent_id ? names([message.agent_id], agents) : "the meeting";
    const head = `${who}, round ${message.round}, ${at(message.timestamp)}`;
    return element("li", {}, text("p", "who", head), words(message.content));
  };
  return element("ol", { class: "messages" }, messages.map(one));
}
