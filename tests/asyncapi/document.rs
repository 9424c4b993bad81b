//! The document, and which of its messages a frame is.

use std::collections::BTreeSet;
use std::{fs, path::Path};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

pub(super) const TELL_MEETING: &str = "tellMeeting";
pub(super) const HEAR_MEETING: &str = "hearMeeting";
pub(super) const TELL_AGENT: &str = "tellAgent";
pub(super) const HEAR_AGENT: &str = "hearAgent";

/// A file of the repository.
pub(super) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(super) struct Document {
    pub(super) json: Value,
}

/// One direction of one channel.
pub(super) struct Operation {
    messages: Vec<Message>,
}

struct Message {
    key: String,
    described: Value,
    payload: Validator,
}

impl Document {
    pub(super) fn read() -> Self {
        let json = serde_json::from_str(&read("docs/asyncapi.json")).unwrap();
        Self { json }
    }

    /// Shows every object and array of the document.
    pub(super) fn walk(&self, see: &mut impl FnMut(&Value)) {
        walk(&self.json, see);
    }

    /// Shows every object and array under `components`, examples left out.
    pub(super) fn walk_components(&self, see: &mut impl FnMut(&Value)) {
        walk(&self.json["components"]["schemas"], see);
        for message in self.json["components"]["messages"]
            .as_object()
            .unwrap()
            .values()
        {
            walk(&message["payload"], see);
        }
    }

    pub(super) fn operation(&self, name: &str) -> Operation {
        let messages = self.json["operations"][name]["messages"].as_array();
        let messages = messages.unwrap_or_else(|| panic!("there is no {name}"));
        let messages = messages.iter().map(|in_channel| {
            let in_channel = in_channel["$ref"].as_str().unwrap();
            let in_components = &self.at(in_channel)["$ref"];
            self.message(in_components.as_str().unwrap())
        });
        Operation {
            messages: messages.collect(),
        }
    }

    fn at(&self, reference: &str) -> &Value {
        let found = self.json.pointer(reference.trim_start_matches('#'));
        found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    fn message(&self, reference: &str) -> Message {
        let schema = json!({
            "$ref": format!("{reference}/payload"),
            "components": self.json["components"],
        });
        let payload = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema);
        Message {
            key: reference.rsplit('/').next().unwrap().to_owned(),
            described: self.at(reference).clone(),
            payload: payload.unwrap_or_else(|error| panic!("{reference}: {error}")),
        }
    }
}

fn walk(value: &Value, see: &mut impl FnMut(&Value)) {
    see(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(fields) => fields.values().for_each(|field| walk(field, see)),
        _ => {}
    }
}

impl Operation {
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys().contains(key)
    }

    pub(super) fn keys(&self) -> BTreeSet<&str> {
        self.messages
            .iter()
            .map(|message| message.key.as_str())
            .collect()
    }

    /// The names of its messages: what stands in `type`.
    pub(super) fn types(&self) -> BTreeSet<&str> {
        let names = self
            .messages
            .iter()
            .map(|message| &message.described["name"]);
        names.map(|name| name.as_str().unwrap()).collect()
    }

    /// What stands in `event`.
    pub(super) fn events(&self) -> BTreeSet<String> {
        let event = |message: &Message| {
            let event = message
                .described
                .pointer("/payload/properties/event/const")?;
            Some(event.as_str()?.to_owned())
        };
        self.messages.iter().filter_map(event).collect()
    }

    /// The only message that a frame is, or why it is none.
    pub(super) fn message_of(&self, frame: &Value) -> Result<&str, String> {
        let mut fitting = self
            .messages
            .iter()
            .filter(|message| message.payload.is_valid(frame));
        match (fitting.next(), fitting.next()) {
            (Some(message), None) => Ok(&message.key),
            (Some(one), Some(other)) => Err(format!("both {} and {}: {frame}", one.key, other.key)),
            (None, _) => Err(self.nearest_miss(frame)),
        }
    }

    fn nearest_miss(&self, frame: &Value) -> String {
        let miss = |message: &Message| {
            let errors = message.payload.iter_errors(frame);
            let errors = errors.map(|error| format!("{} at {}", error, error.instance_path()));
            (message.key.clone(), errors.collect::<Vec<_>>())
        };
        let misses = self.messages.iter().map(miss);
        let nearest = misses.min_by_key(|(_, errors)| errors.len());
        format!("nothing that is described, {nearest:?}: {frame}")
    }
}
