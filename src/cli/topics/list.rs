//! Topics as a person reads them. Colours are written always; a writer that is no terminal takes them out.

use std::io::{self, Write};

use owo_colors::OwoColorize;
use textwrap::Options;
use uuid::Uuid;

use super::{Agents, Suggestion};
use crate::wire::transcript::plain;

/// Shows topics, numbered from 1 on.
///
/// # Errors
/// If nobody can be shown them.
pub(super) fn show(
    out: &mut impl Write,
    width: usize,
    topics: &[Suggestion],
    agents: &Agents,
) -> io::Result<()> {
    for (number, topic) in (1..).zip(topics) {
        let width = width.clamp(WIDTH_MIN, WIDTH_MAX);
        one(out, width, number, topic, agents)?;
    }
    out.flush()
}

fn one(
    out: &mut impl Write,
    width: usize,
    number: usize,
    topic: &Suggestion,
    agents: &Agents,
) -> io::Result<()> {
    let title = plain(&topic.topic);
    writeln!(out, "{:>3}  {}", number.bold(), title.bold())?;
    let mut fact = |label: &str, what: &str| {
        let options = Options::new(width.saturating_sub(MARGIN + LABEL));
        for (line, what) in textwrap::wrap(what, options).iter().enumerate() {
            let label = format!("{:<LABEL$}", if line == 0 { label } else { "" });
            writeln!(out, "{:MARGIN$}{}{what}", "", label.dimmed())?;
        }
        Ok::<_, io::Error>(())
    };
    let kind = match topic.kind.as_str() {
        "open_question" => "open question",
        kind => kind,
    };
    fact(
        "Kind",
        &format!("{}, priority {:.2}", plain(kind), topic.priority),
    )?;
    fact("Why", &plain(&topic.reason))?;
    fact("Agents", &names(&topic.agents, agents))?;
    let latest = topic.last_at.format("%Y-%m-%d %H:%M");
    let (count, named) = (topic.message_count, topic.related_communications.len());
    let of_all = if named < count {
        format!(", of which {named} are its evidence")
    } else {
        String::new()
    };
    fact(
        "Messages",
        &format!("{count}{of_all}; the last of {latest} UTC"),
    )?;
    if let Some(strongest) = topic.related_communications.first() {
        fact("Evidence", &strongest.to_string())?;
    }
    let meeting = match topic.meeting {
        Some(meeting) => format!("{meeting} deals with it"),
        None => "none yet".to_owned(),
    };
    fact("Meeting", &meeting)?;
    writeln!(out)
}

/// These agents by name, for people.
pub(super) fn names(ids: &[Uuid], agents: &Agents) -> String {
    let name = |id: &Uuid| match agents.get(id) {
        Some(agent) => plain(&agent.name),
        None => id.to_string(),
    };
    let names: Vec<_> = ids.iter().map(name).collect();
    names.join(", ")
}

/// Longer lines are hard to read, however wide the terminal is.
const WIDTH_MAX: usize = 92;
const WIDTH_MIN: usize = 40;
/// Where facts stand, under their title.
const MARGIN: usize = 5;
/// Where the second column begins.
const LABEL: usize = 10;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use expect_test::expect;

    use super::super::Agent;
    use super::*;

    fn topic(title: &str, meeting: Option<Uuid>) -> Suggestion {
        Suggestion {
            topic: title.to_owned(),
            kind: "open_question".to_owned(),
            priority: 0.6249,
            reason: "5 messages between 2 agents in the last 24 hours: 2 ask; the last 3 hours ago"
                .to_owned(),
            related_communications: vec![Uuid::from_u128(9), Uuid::from_u128(8)],
            agents: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
            message_count: 5,
            last_at: "2030-01-02T03:04:05Z".parse().unwrap(),
            meeting,
        }
    }

    fn shown(topics: &[Suggestion]) -> String {
        let id = Uuid::from_u128(1);
        let (role, name) = ("agent".to_owned(), "Ada".to_owned());
        let ada = Agent {
            id,
            name,
            role,
            revoked_at: None,
        };
        let mut out = Vec::new();
        show(&mut out, 60, topics, &HashMap::from([(id, ada)])).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains('\u{1b}'), "a terminal has colours");
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_topic_is_shown_with_all_that_helps_to_choose() {
        let text = shown(&[
            topic("Answer open question: hives", None),
            topic("Hives", Some(Uuid::from_u128(7))),
        ]);
        // `expect!` takes a margin that all lines have for its own.
        let text: String = text
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n")
            .collect();
        expect![[r"
              1  Answer open question: hives
                 Kind      open question, priority 0.62
                 Why       5 messages between 2 agents in the last 24
                           hours: 2 ask; the last 3 hours ago
                 Agents    Ada, 00000000-0000-0000-0000-000000000002
                 Messages  5, of which 2 are its evidence; the last of
                           2030-01-02 03:04 UTC
                 Evidence  00000000-0000-0000-0000-000000000009
                 Meeting   none yet

              2  Hives
                 Kind      open question, priority 0.62
                 Why       5 messages between 2 agents in the last 24
                           hours: 2 ask; the last 3 hours ago
                 Agents    Ada, 00000000-0000-0000-0000-000000000002
                 Messages  5, of which 2 are its evidence; the last of
                           2030-01-02 03:04 UTC
                 Evidence  00000000-0000-0000-0000-000000000009
                 Meeting   00000000-0000-0000-0000-000000000007 deals
                           with it

        "]]
        .assert_eq(&text);
    }

    #[test]
    fn words_of_agents_do_not_command_the_terminal() {
        let text = shown(&[topic("Hives\u{1b}[2J\n\u{202e}!", None)]);
        assert!(text.contains("Hives\u{241b}[2J \u{fffd}!"), "{text:?}");
    }
}
