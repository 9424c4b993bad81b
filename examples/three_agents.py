#!/usr/bin/env python3
"""Three agents hold a meeting of two rounds: the first ballot fails, the second passes.

    synod serve                                       # in one terminal
    pip install -r examples/requirements.txt          # in another
    python examples/three_agents.py --admin-token "$(cat synod-data/admin-token)"

It shows all that an agent needs: a token, one WebSocket, two requests to answer (for an opinion, for
a vote), and what to do when the connection ends. The last line on stdout is a summary as JSON.
"""

import argparse
import asyncio
import json
import os
import sys
import urllib.error
import urllib.request

import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

TOPIC = "Which fruit do we plant behind the house?"

# What each agent says and how it votes, round by round. Yours would ask a language model here.
SCRIPT = {
    "Ada": [
        {"content": "Apples. They keep until spring.", "proposal": "We plant an apple tree.",
         "agrees": True, "rationale": "I proposed it."},
        {"content": "Two trees fit, if both stay small.",
         "proposal": "We plant an apple tree and a quince, both on dwarf stock.",
         "agrees": True, "rationale": "There is room for both."},
    ],
    "Bruno": [
        {"content": "Quinces. Nobody else in the street has one.",
         "agrees": False, "rationale": "One tree is one opinion."},
        {"content": "Small ones, then I agree.", "agrees": True, "rationale": "It has my quince in it."},
    ],
    "Clara": [
        {"content": "Whatever we plant, it must not shade the beans.",
         "agrees": None, "rationale": "I wait for the height."},  # None abstains
        {"content": "Dwarf stock leaves the beans their sun.", "agrees": True, "rationale": "No shade."},
    ],
}


# ---- REST: making agents and a meeting needs the admin's token ----

def call(url, token, method, path, body=None):
    """One REST call: JSON in, JSON out."""
    request = urllib.request.Request(
        url + "/api/v1" + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        # Every refusal is {"error": code, "message": for people, "details": ...}.
        sys.exit(f"error: {method} {path}: {error.code} {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"error: no answer from {url} ({error.reason}): is `synod serve` running?")


# ---- WebSocket: one agent in one meeting ----

class Agent:
    def __init__(self, url, name, agent_id, token):
        self.url, self.name, self.id, self.token = url, name, agent_id, token
        self.seen = 0       # the last event that this agent saw; 0 asks for all from the first
        self.events = []    # their kinds, for the summary
        self.ballots = 0
        self.outcome = None
        self.decision_id = None

    async def attend(self, meeting_id):
        """Takes part until the meeting is over, however often the connection is lost on the way."""
        while True:
            # `after` makes the server begin with the first event that this agent has not seen.
            address = (f"{self.url.replace('http', 'ws', 1)}/ws/meetings/{meeting_id}"
                       f"?agent_id={self.id}&after={self.seen}")
            headers = {"Authorization": "Bearer " + self.token}
            try:
                async with websockets.connect(
                    address, additional_headers=headers, max_size=None
                ) as socket:
                    async for text in socket:
                        await self.take(socket, json.loads(text))
                    code = socket.close_code  # it was closed in good order
            except ConnectionClosed as closed:
                # Without a close frame the network was lost: RFC 6455 calls that 1006.
                code = closed.rcvd.code if closed.rcvd else 1006
            except InvalidStatus as refused:
                # The handshake was refused. Only "come back later" is worth another try.
                if refused.response.status_code not in (429, 503):
                    raise
                code = 4102
            except OSError:
                code = 1006
            # The range of the code says what to do, so codes that this program has never heard of are fine.
            if self.outcome and not 4100 <= code < 4300:
                return
            if 4200 <= code < 4300:
                continue  # the server moved: come back at once
            if 4100 <= code < 4200 or code in (1001, 1006, 1011, 1012, 1013):
                await asyncio.sleep(1)  # too slow, too fast, or no server there: a second's patience
                continue
            raise RuntimeError(f"{self.name} was sent away with close code {code}")

    async def take(self, socket, frame):
        """Does what one frame asks for. Frames of an unknown type are passed over."""
        kind = frame["type"]
        if kind == "opinion_request":  # it is my turn
            turn = SCRIPT[self.name][frame["round"] - 1]
            answer = {"type": "opinion", "content": turn["content"]}
            if "proposal" in turn:
                answer["proposal"] = turn["proposal"]  # becomes what is voted on
            # Under one id a frame acts once, so it is safe to send it again after a lost connection.
            await socket.send(json.dumps({"id": f"opinion-{frame['round']}", **answer}))
        elif kind == "consensus_request":  # the ballot is open
            turn = SCRIPT[self.name][frame["round"] - 1]
            answer = {"type": "consensus_vote", "agrees": turn["agrees"], "rationale": turn["rationale"]}
            await socket.send(json.dumps({"id": f"vote-{frame['round']}", **answer}))
        elif kind == "meeting_event":
            self.note(frame)
        elif kind == "error":
            # After a reconnect the first answer may have been counted already; that is no fault.
            if frame["code"] not in ("already_voted", "not_your_turn", "no_open_ballot"):
                raise RuntimeError(f"{self.name}: {frame['code']}: {frame['message']}")

    def note(self, event):
        """Every event has the number after the last one: nothing is missed, nothing comes twice."""
        if event["seq"] != self.seen + 1:
            raise RuntimeError(f"{self.name} saw event {event['seq']} after event {self.seen}")
        self.seen = event["seq"]
        self.events.append(event["event"])
        if event["event"] == "ballot_closed":
            self.ballots += 1
        elif event["event"] == "consensus_reached":
            self.decision_id = event["data"]["decision_id"]
        elif event["event"] in ("meeting_completed", "meeting_cancelled", "meeting_failed"):
            self.outcome = event["data"].get("outcome", event["event"])


async def hold_meeting(url, admin_token):
    agents = []
    for name in SCRIPT:
        made = call(url, admin_token, "POST", "/agents", {"name": name})
        agents.append(Agent(url, name, made["id"], made["token"]))
    meeting = call(url, admin_token, "POST", "/meetings", {
        "topic": TOPIC,
        "participant_ids": [agent.id for agent in agents],  # they speak in this order
        "max_discussion_rounds": 2,
        "admission": "invited",       # nobody else gets in
        "start": "when_all_joined",   # begins by itself, once the last of them has connected
    })
    await asyncio.gather(*(agent.attend(meeting["id"]) for agent in agents))

    # All of them saw the same meeting, and what they decided is kept.
    first = agents[0]
    if any(agent.events != first.events for agent in agents):
        raise RuntimeError("the agents saw different meetings")
    kept = call(url, admin_token, "GET", f"/decisions?meeting_id={meeting['id']}")["decisions"]
    if [decision["id"] for decision in kept] != [first.decision_id]:
        raise RuntimeError(f"not the decision that the agents were told: {kept}")
    return {
        "meeting_id": meeting["id"],
        "outcome": first.outcome,
        "ballots": first.ballots,
        "decision_id": first.decision_id,
        "decision": kept[0]["decision_content"],
        "logs": {agent.name: agent.events for agent in agents},
    }


def main():
    parser = argparse.ArgumentParser(description="Three agents hold a meeting of two rounds.")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server (default: %(default)s)")
    parser.add_argument("--admin-token", default=os.environ.get("SYNOD_ADMIN_TOKEN"),
                        help="by default what SYNOD_ADMIN_TOKEN holds")
    arguments = parser.parse_args()
    if not arguments.admin_token:
        parser.error("give --admin-token, or set SYNOD_ADMIN_TOKEN; the server keeps it in <data-dir>/admin-token")
    summary = asyncio.run(hold_meeting(arguments.url.rstrip("/"), arguments.admin_token))
    print(json.dumps(summary))
    if summary["outcome"] != "consensus":
        sys.exit(1)


if __name__ == "__main__":
    main()
