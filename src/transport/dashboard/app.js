// The dashboard: asks the server every few seconds, and shows what it says. Nothing is done that nobody confirmed.

import * as api from "./api.js";
import * as view from "./views.js";

/** Time between two looks at meetings and decisions. Suggestions take the server some work: they are looked for when somebody asks. */
const EVERY_MS = 3000;
const SHOWN_MAX = 24;

const place = (id) => document.getElementById(id);
const drawn = new Map();
let timer;

/** Draws into a place unless the same stands there, and leaves the focus where it was. */
function draw(id, data, build) {
  const key = JSON.stringify(data);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  const focused = document.activeElement?.id;
  place(id).replaceChildren(...build());
  if (focused) place(focused)?.focus();
}

/** What went wrong; a screen reader says it. */
const tell = (words) => {
  place("trouble").textContent = words;
};

/** The meeting that the address names, if it names one. The answer to an old question is no longer shown. */
const chosen = () => location.hash.match(/^#meeting\/([0-9a-f-]{36})$/)?.[1];

function show(what) {
  for (const id of ["door", "overview", "meeting"]) place(id).hidden = id !== what;
  place("forget").hidden = what === "door";
}

/** Back to the door, with what the server said. */
function leave(why = "") {
  clearTimeout(timer);
  api.token.forget();
  api.forget();
  drawn.clear();
  for (const id of ["suggestions", "meetings", "decisions", "meeting"]) place(id).replaceChildren();
  show("door");
  tell("");
  place("seen").textContent = "";
  place("refusal").textContent = why;
  place("token").focus();
}

async function look() {
  clearTimeout(timer);
  if (!api.token.get()) return leave();
  try {
    const meeting = chosen();
    await (meeting ? lookAt(meeting) : lookAround());
    tell("");
    place("seen").textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch (refused) {
    if (!(refused instanceof api.Refused)) throw refused;
    if (refused.status === 401) return leave("The server does not know this token.");
    tell(refused.message);
  }
  clearTimeout(timer);
  timer = setTimeout(() => (document.hidden ? undefined : look()), EVERY_MS);
}

async function lookAround() {
  const [{ meetings }, { decisions }] = await Promise.all([
    api.get(`meetings?page_size=${SHOWN_MAX}`),
    api.get(`decisions?page_size=${SHOWN_MAX}`),
  ]);
  if (chosen() || !api.token.get()) return;
  const list = (rows, one, none) => (rows.length > 0 ? rows.map(one) : [view.note(none)]);
  draw("meetings", meetings, () => list(meetings, view.meeting, "There was no meeting yet."));
  draw("decisions", decisions, () => list(decisions, view.decision, "Nothing was decided yet."));
  show("overview");
  if (!drawn.has("suggestions")) await lookForTopics();
}

async function lookAt(id) {
  const meeting = await api.get(`meetings/${id}`);
  const related = meeting.related_communications.flatMap((one) => [one.sender_id, one.receiver_id]);
  const agents = await api.agents([...related, ...meeting.participants.map((one) => one.agent_id)]);
  if (chosen() !== id || !api.token.get()) return;
  draw("meeting", meeting, () => view.whole(meeting, agents));
  show("meeting");
}

async function lookForTopics() {
  const button = place("look");
  if (button.disabled) return;
  button.disabled = true;
  try {
    const topics = (await api.get("meetings/suggest-topics")).suggested_topics;
    api.forgetAgents();
    const agents = await api.agents(topics.flatMap((topic) => topic.agents));
    if (api.token.get()) drawTopics(topics, agents);
  } catch (refused) {
    draw("suggestions", refused.message, () => [view.note(refused.message)]);
  } finally {
    button.disabled = false;
  }
}

function drawTopics(topics, agents) {
  const one = (topic, at) => {
    const held = () => {
      drawTopics(topics, agents);
      place(`hold-${at}`)?.focus();
    };
    const ask = () => askFor(topic, agents, held);
    return view.suggestion(topic, at, agents, (inside) => openEvidence(topic, inside), ask);
  };
  const none = [view.note("The messages of the last day show nothing to settle.")];
  draw("suggestions", [topics, [...agents.values()]], () => (topics.length > 0 ? topics.map(one) : none));
}

/** Shows the messages of a topic, and says whether it could. */
async function openEvidence(topic, inside) {
  inside.replaceChildren(view.note("…"));
  try {
    const messages = await api.messages(topic.related_communications);
    const agents = await api.agents(messages.flatMap((message) => [message.sender_id, message.receiver_id]));
    inside.replaceChildren(view.evidence(messages, agents));
    return true;
  } catch (refused) {
    inside.replaceChildren(view.note(`${refused.message} (open it again to ask again)`));
    return false;
  }
}

/** Asks whether the meeting is meant, and holds it if so. */
function askFor(topic, agents, held) {
  const invited = topic.agents.filter((id) => view.canCome(agents.get(id)));
  const [dialog, yes] = [place("ask"), place("ask-yes")];
  place("ask-about").replaceChildren(...view.question(topic, invited, agents));
  place("ask-refusal").textContent = "";
  yes.disabled = invited.length === 0;
  // One for this question: whoever answers it again, because the server's answer was lost, gets the same meeting.
  const key = api.newKey();
  yes.onclick = async () => {
    yes.disabled = true;
    try {
      const wanted = {
        topic: topic.topic,
        meeting_type: "auto_generated",
        participant_ids: invited,
        related_communication_ids: topic.related_communications,
        admission: "invited",
        start: "when_all_joined",
      };
      const meeting = await api.post("meetings", wanted, key);
      topic.meeting = meeting.id;
      dialog.close();
      held();
      await look();
    } catch (refused) {
      place("ask-refusal").textContent = refused.message;
      yes.disabled = false;
    }
  };
  dialog.showModal();
}

place("ask-no").addEventListener("click", () => place("ask").close());
place("look").addEventListener("click", lookForTopics);
place("forget").addEventListener("click", () => leave());
place("door").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  api.token.keep(place("token").value.trim());
  place("token").value = "";
  place("refusal").textContent = "";
  look();
});
addEventListener("hashchange", look);
document.addEventListener("visibilitychange", () => (document.hidden ? undefined : look()));
look();
