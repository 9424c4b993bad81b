//! Tells a meeting to a person, event by event: who speaks, what is said, how the votes fall.
//!
//! It is given events and somewhere to write, and knows neither sockets nor pauses. Colours are
//! written always; a writer that is no terminal takes them out.

use std::collections::HashMap;
use std::io::{self, Write};

use owo_colors::{AnsiColors, OwoColorize, Style};
use serde_json::Value;
use textwrap::Options;
use uuid::Uuid;

use crate::client::frame::MeetingEvent;

/// Tells one meeting.
pub(super) struct Teller<W> {
    out: W,
    width: usize,
    seats: Vec<Seat>,
    manners: HashMap<Uuid, String>,
    rounds: u64,
    rule: String,
}

struct Seat {
    agent: Uuid,
    name: String,
    style: Style,
}

/// One colour each, those far apart first.
const COLOURS: [AnsiColors; 12] = [
    AnsiColors::Cyan,
    AnsiColors::Magenta,
    AnsiColors::Yellow,
    AnsiColors::Green,
    AnsiColors::Blue,
    AnsiColors::Red,
    AnsiColors::BrightCyan,
    AnsiColors::BrightMagenta,
    AnsiColors::BrightYellow,
    AnsiColors::BrightGreen,
    AnsiColors::BrightBlue,
    AnsiColors::BrightRed,
];

/// Longer lines are hard to read, however wide the terminal is.
const WIDTH_MAX: usize = 92;
const WIDTH_MIN: usize = 30;

impl<W: Write> Teller<W> {
    /// Tells to `out`, which is `width` columns wide; `manners` says what agents are known for.
    pub(super) fn new(out: W, width: usize, manners: HashMap<Uuid, String>) -> Self {
        Self {
            out,
            width: width.clamp(WIDTH_MIN, WIDTH_MAX),
            seats: Vec::new(),
            manners,
            rounds: 0,
            rule: String::new(),
        }
    }

    /// Tells one event.
    ///
    /// # Errors
    /// If nobody can be told any more.
    pub(super) fn tell(&mut self, event: &MeetingEvent) -> io::Result<()> {
        let data = &event.data;
        match event.event.as_str() {
            "meeting_created" => self.created(data),
            "participant_added" => self.seat(id(data, "agent_id"), text(data, "name")),
            "agent_joined" => self.came(data),
            "agent_left" => self.note(&format!("{} goes.", self.who(data))),
            "round_opened" => self.round(data),
            "turn_opened" => self.floor(data),
            "opinion_presented" => self.opinion(data),
            "turn_timed_out" => self.note("… says nothing; the floor passes on."),
            "ballot_opened" => self.ballot(data),
            "vote_recorded" => self.vote(data),
            "ballot_closed" => self.count(data),
            "consensus_reached" => self.decision(data),
            "meeting_completed" => self.completed(data),
            "meeting_cancelled" => self.note("The meeting was cancelled."),
            "meeting_failed" => self.note(&format!("The meeting failed: {}", text(data, "reason"))),
            "paused" => self.note("The meeting is paused."),
            "resumed" => self.note("The meeting goes on."),
            "meeting_recovered" => self.note("The server came back, and the meeting goes on."),
            _ => Ok(()),
        }?;
        self.out.flush()
    }

    /// A fact in two columns, as those that stand above and below a meeting.
    ///
    /// # Errors
    /// If nobody can be told any more.
    pub(super) fn fact(&mut self, label: &str, what: &str) -> io::Result<()> {
        let label = format!("{label:<LABEL_COLUMNS$}");
        writeln!(self.out, "  {}{what}", label.dimmed())
    }

    fn created(&mut self, data: &Value) -> io::Result<()> {
        self.rounds = data["settings"]["max_discussion_rounds"]
            .as_u64()
            .unwrap_or_default();
        text(&data["settings"]["decision_rule"], "rule").clone_into(&mut self.rule);
        for participant in list(data, "participants") {
            self.seat(id(participant, "agent_id"), text(participant, "name"))?;
        }
        let rounds = format!("{} rounds at most, {}", self.rounds, self.rule_in_words());
        writeln!(self.out)?;
        writeln!(self.out, "  {}", text(data, "topic").bold())?;
        writeln!(self.out)?;
        self.fact("Rules", &rounds)
    }

    fn rule_in_words(&self) -> &'static str {
        match self.rule.as_str() {
            "unanimous" => "and a motion passes only if all agree",
            "majority" => "and a motion passes if most agree",
            _ => "and a motion passes if enough of them agree",
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "as every way of telling an event, it answers whether that went well"
    )]
    fn seat(&mut self, agent: Uuid, name: &str) -> io::Result<()> {
        let colour = COLOURS[self.seats.len() % COLOURS.len()];
        self.seats.push(Seat {
            agent,
            name: name.to_owned(),
            style: Style::new().bold().color(colour),
        });
        Ok(())
    }

    fn came(&mut self, data: &Value) -> io::Result<()> {
        let again = match data["returning"].as_bool() {
            Some(true) => " is back",
            _ => "",
        };
        let (name, manner) = (self.painted(data), self.manner(data));
        let label = format!("{:<LABEL_COLUMNS$}", "Enter");
        writeln!(
            self.out,
            "  {}{name}{again}{}",
            label.dimmed(),
            manner.dimmed()
        )
    }

    fn round(&mut self, data: &Value) -> io::Result<()> {
        let round = data["round"].as_u64().unwrap_or_default();
        let rounds = self.rounds;
        self.rule_off(&format!("Round {round} of {rounds}"))
    }

    fn floor(&mut self, data: &Value) -> io::Result<()> {
        let (name, manner) = (self.painted(data), self.manner(data));
        writeln!(self.out)?;
        writeln!(self.out, "  {name}{}", manner.dimmed())
    }

    fn opinion(&mut self, data: &Value) -> io::Result<()> {
        let bar = self
            .seat_of(data)
            .map_or_else(Style::new, |seat| seat.style);
        self.paragraph(text(data, "content"), bar, Style::new())?;
        if let Some(proposal) = data["proposal"].as_str() {
            self.paragraph("", bar, Style::new())?;
            self.paragraph(&format!("Proposal: {proposal}"), bar, Style::new().italic())?;
        }
        Ok(())
    }

    fn ballot(&mut self, data: &Value) -> io::Result<()> {
        let by = id(&data["motion"], "proposed_by");
        let by = self.seats.iter().find(|seat| seat.agent == by);
        let by = by.map_or("", |seat| seat.name.as_str());
        self.rule_off(&format!("Ballot on the proposal by {by}"))?;
        writeln!(self.out)
    }

    fn vote(&mut self, data: &Value) -> io::Result<()> {
        let (mark, word) = match (&data["secret"], &data["agrees"]) {
            (Value::Bool(true), _) => ("•".to_owned(), "has voted"),
            (_, Value::Bool(true)) => ("✓".green().to_string(), "agrees"),
            (_, Value::Bool(false)) => ("✗".red().to_string(), "disagrees"),
            _ => ("○".yellow().to_string(), "abstains"),
        };
        let widest = self.seats.iter().map(|seat| seat.name.chars().count());
        let widest = widest.max().unwrap_or_default();
        let style = self
            .seat_of(data)
            .map_or_else(Style::new, |seat| seat.style);
        let name = format!("{:<widest$}", self.who(data));
        write!(self.out, "  {mark} {}  {word}", name.style(style))?;
        let column = widest + 17;
        let reason = textwrap::wrap(text(data, "rationale"), self.width.saturating_sub(column));
        for (index, line) in reason.iter().filter(|line| !line.is_empty()).enumerate() {
            let gap = if index == 0 { 11 - word.len() } else { column };
            let line_break = if index == 0 { "" } else { "\n" };
            write!(self.out, "{line_break}{:gap$}{line}", "")?;
        }
        writeln!(self.out)
    }

    fn count(&mut self, data: &Value) -> io::Result<()> {
        let words = [
            ("agree", "agrees", "agree"),
            ("disagree", "disagrees", "disagree"),
            ("abstain", "abstains", "abstain"),
        ];
        let counts = words.iter().filter_map(|(field, one, many)| {
            let n = data["tally"][field].as_u64().filter(|n| *n > 0)?;
            Some(format!("{n} {}", if n == 1 { one } else { many }))
        });
        let counts: Vec<String> = counts.collect();
        let verdict = match text(data, "verdict") {
            "passed" => "Passed".green().bold().to_string(),
            "no_quorum" => "Too few votes".yellow().bold().to_string(),
            _ => "Not passed".yellow().bold().to_string(),
        };
        writeln!(self.out, "\n  {verdict}: {}.", counts.join(", "))
    }

    fn decision(&mut self, data: &Value) -> io::Result<()> {
        self.rule_off("Decision")?;
        writeln!(self.out)?;
        let bar = Style::new().green();
        self.paragraph(text(&data["motion"], "content"), bar, Style::new().bold())?;
        writeln!(self.out)?;
        for line in text(data, "rationale").lines() {
            self.note(line)?;
        }
        Ok(())
    }

    fn completed(&mut self, data: &Value) -> io::Result<()> {
        let Some(summary) = data["summary"].as_str() else {
            return writeln!(self.out);
        };
        self.rule_off("No decision")?;
        writeln!(self.out)?;
        for line in summary.lines() {
            self.note(line)?;
        }
        writeln!(self.out)
    }

    /// A heading with a line to the edge.
    fn rule_off(&mut self, heading: &str) -> io::Result<()> {
        let line = self.width.saturating_sub(heading.chars().count() + 3);
        writeln!(self.out)?;
        writeln!(
            self.out,
            "  {} {}",
            heading.bold(),
            "─".repeat(line).dimmed()
        )
    }

    /// Text behind a coloured bar.
    fn paragraph(&mut self, text: &str, bar: Style, style: Style) -> io::Result<()> {
        for line in textwrap::wrap(text, Options::new(self.width - 4)) {
            let gap = if line.is_empty() { "" } else { " " };
            writeln!(self.out, "  {}{gap}{}", "│".style(bar), line.style(style))?;
        }
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        let options = Options::new(self.width)
            .initial_indent("  ")
            .subsequent_indent("    ");
        for line in textwrap::wrap(text, options) {
            writeln!(self.out, "{}", line.dimmed())?;
        }
        Ok(())
    }

    fn seat_of(&self, data: &Value) -> Option<&Seat> {
        let agent = id(data, "agent_id");
        self.seats.iter().find(|seat| seat.agent == agent)
    }

    fn who(&self, data: &Value) -> &str {
        self.seat_of(data)
            .map_or("somebody", |seat| seat.name.as_str())
    }

    fn painted(&self, data: &Value) -> String {
        self.seat_of(data).map_or_else(
            || "somebody".to_owned(),
            |seat| seat.name.style(seat.style).to_string(),
        )
    }

    fn manner(&self, data: &Value) -> String {
        let manner = self.manners.get(&id(data, "agent_id"));
        manner
            .map(|manner| format!(", who {manner}"))
            .unwrap_or_default()
    }
}

/// Where the second column of facts begins.
const LABEL_COLUMNS: usize = 10;

fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}

fn id(data: &Value, field: &str) -> Uuid {
    text(data, field).parse().unwrap_or_default()
}

fn list<'a>(data: &'a Value, field: &str) -> &'a [Value] {
    data[field].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    /// What a person reads of these events, at 48 columns.
    fn told(events: &[(&str, Value)]) -> String {
        let ada = Uuid::from_u128(1);
        let manners = HashMap::from([(ada, "keeps bees".to_owned())]);
        let mut out = Vec::new();
        let mut teller = Teller::new(&mut out, 48, manners);
        for (event, data) in events {
            let frame = json!({"event": event, "meeting_id": Uuid::nil(), "seq": 1,
                "at": "2030-01-01T00:00:00Z", "data": data});
            let event = serde_json::from_value(frame).unwrap();
            teller.tell(&event).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        anstream::adapter::strip_str(&text).to_string()
    }

    fn created() -> (&'static str, Value) {
        let participants = json!([
            {"agent_id": Uuid::from_u128(1), "name": "Ada"},
            {"agent_id": Uuid::from_u128(2), "name": "Bartholomew"},
        ]);
        let settings = json!({"max_discussion_rounds": 2, "decision_rule": {"rule": "unanimous"}});
        let data = json!({"topic": "Hives?", "settings": settings, "participants": participants});
        ("meeting_created", data)
    }

    #[test]
    fn a_round_and_its_ballot() {
        let (ada, bart) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = told(&[
            created(),
            ("agent_joined", json!({"agent_id": ada, "returning": false})),
            ("agent_joined", json!({"agent_id": bart, "returning": true})),
            ("round_opened", json!({"round": 1})),
            ("turn_opened", json!({"agent_id": ada})),
            (
                "opinion_presented",
                json!({"agent_id": ada, "content": "Two hives, because one alone is lonely.", "proposal": "Two."}),
            ),
            ("turn_opened", json!({"agent_id": bart})),
            ("turn_timed_out", json!({"agent_id": bart})),
            (
                "ballot_opened",
                json!({"motion": {"content": "Two.", "proposed_by": ada}}),
            ),
            (
                "vote_recorded",
                json!({"agent_id": ada, "agrees": true, "rationale": "They keep each other company.", "secret": false}),
            ),
            (
                "vote_recorded",
                json!({"agent_id": bart, "agrees": null, "secret": false}),
            ),
            (
                "ballot_closed",
                json!({"tally": {"agree": 1, "disagree": 0, "abstain": 1}, "verdict": "rejected"}),
            ),
        ]);
        expect![[r#"

              Hives?

              Rules     2 rounds at most, and a motion passes only if all agree
              Enter     Ada, who keeps bees
              Enter     Bartholomew is back

              Round 1 of 2 ─────────────────────────────────

              Ada, who keeps bees
              │ Two hives, because one alone is lonely.
              │
              │ Proposal: Two.

              Bartholomew
              … says nothing; the floor passes on.

              Ballot on the proposal by Ada ────────────────

              ✓ Ada          agrees     They keep each other
                                        company.
              ○ Bartholomew  abstains

              Not passed: 1 agrees, 1 abstains.
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn what_ends_a_meeting() {
        let motion = json!({"content": "Two.", "proposed_by": Uuid::from_u128(1)});
        let text = told(&[
            created(),
            (
                "consensus_reached",
                json!({"motion": motion, "rationale": "Passed by unanimous consent.\nAda (agree): Good."}),
            ),
            (
                "meeting_completed",
                json!({"outcome": "consensus", "summary": null}),
            ),
        ]);
        expect![[r#"

              Hives?

              Rules     2 rounds at most, and a motion passes only if all agree

              Decision ─────────────────────────────────────

              │ Two.

              Passed by unanimous consent.
              Ada (agree): Good.

        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn an_event_of_a_newer_server_is_passed_over() {
        assert_eq!(told(&[("bees_swarmed", json!({}))]), "");
    }
}
