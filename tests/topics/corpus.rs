//! Labelled logs: messages, and the topics that a careful reader says are worth a meeting.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use synod::topics::{Kind, Message, Question};
use uuid::Uuid;

/// One log; `corpus/README.md` says what its keys mean.
#[derive(Deserialize)]
pub(super) struct Log {
    #[serde(skip)]
    pub(super) name: String,
    now: DateTime<Utc>,
    #[serde(default = "a_day")]
    hours_back: u32,
    /// The topics that are worth a meeting.
    #[serde(default)]
    pub(super) expected: Vec<Expected>,
    #[serde(rename = "message")]
    said: Vec<Said>,
}

/// A topic that is worth a meeting.
#[derive(Deserialize)]
pub(super) struct Expected {
    pub(super) key: String,
    #[serde(deserialize_with = "kind")]
    pub(super) kind: Kind,
}

#[derive(Deserialize)]
struct Said {
    at: DateTime<Utc>,
    from: String,
    to: String,
    topic: Option<String>,
    content_type: Option<String>,
    text: String,
    of: Option<String>,
}

fn kind<'a, D: Deserializer<'a>>(kind: D) -> Result<Kind, D::Error> {
    match String::deserialize(kind)?.as_str() {
        "conflict" => Ok(Kind::Conflict),
        "open_question" => Ok(Kind::OpenQuestion),
        "coordination" => Ok(Kind::Coordination),
        other => Err(D::Error::custom(format!("no kind: {other}"))),
    }
}

fn a_day() -> u32 {
    24
}

/// The logs of one split, by name; none if it is not there.
pub(super) fn logs(split: &str) -> Vec<Log> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topics/corpus");
    let Ok(files) = fs::read_dir(folder.join(split)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Log {
    let text = fs::read_to_string(path).unwrap();
    let log = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    Log { name, ..log }
}

impl Log {
    /// Its messages, whose ids are their numbers.
    pub(super) fn messages<'a>(&'a self) -> Vec<Message<'a>> {
        let names = self.said.iter().flat_map(|said| [&said.from, &said.to]);
        let mut agents = BTreeMap::new();
        for name in names {
            let next = Uuid::from_u128(1_000 + agents.len() as u128);
            agents.entry(name).or_insert(next);
        }
        let message = |(number, said): (u128, &'a Said)| Message {
            id: Uuid::from_u128(number),
            at: said.at,
            sender: agents[&said.from],
            receiver: agents[&said.to],
            topic: said.topic.as_deref(),
            text: &said.text,
            is_json: said.content_type.as_deref() == Some("application/json"),
        };
        (0..).zip(&self.said).map(message).collect()
    }

    /// What is asked of it, as a request without parameters asks.
    pub(super) fn question(&self) -> Question {
        Question {
            now: self.now,
            hours_back: self.hours_back,
            messages_max: 10_000,
            messages_min: 1,
            topics_max: 10,
            related_max: 20,
        }
    }

    /// Of which kind an expected topic is.
    pub(super) fn kind_of(&self, topic: &str) -> Kind {
        let mut expected = self.expected.iter();
        expected.find(|one| one.key == topic).unwrap().kind
    }

    /// The expected topic that a message is evidence for.
    pub(super) fn topic_of(&self, message: Uuid) -> Option<&str> {
        let number = usize::try_from(message.as_u128()).unwrap();
        self.said[number].of.as_deref()
    }
}
