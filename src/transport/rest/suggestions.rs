//! `/meetings/suggest-topics`: what the log says would be worth a meeting.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::ok;
use super::route::Route;
use super::schema::{asked_for, parameter};
use crate::config::Limits;
use crate::storage::{CommunicationFilter, Heading};
use crate::topics::{self, Message, Question};
use crate::transport::fields::Fields;
use crate::transport::{ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::of::<__path_suggest, _>(suggest)]
}

/// How far back to look, and how many topics are wanted.
struct Wanted {
    hours_back: u32,
    topics_max: u32,
}

/// Topics, most urgent first.
#[derive(Serialize, ToSchema)]
struct SuggestedTopics {
    suggested_topics: Vec<SuggestedTopic>,
}

/// A topic that may deserve a meeting.
#[derive(Serialize, ToSchema)]
struct SuggestedTopic {
    /// In the words of its latest message.
    topic: String,
    /// From 0 to 1.
    priority: f64,
    /// Why, for people.
    reason: String,
    /// The newest messages about it: a meeting's `related_communication_ids`.
    related_communications: Vec<Uuid>,
    /// Everyone who wrote or was written to: a meeting's `participant_ids`.
    agents: Vec<Uuid>,
    /// How many messages there were.
    message_count: usize,
    /// When the latest was sent.
    last_at: DateTime<Utc>,
}

/// Suggests topics for meetings.
///
/// From the topics of the messages that you may see. Nothing is started by it.
#[utoipa::path(
    get,
    path = "/api/v1/meetings/suggest-topics",
    params(Wanted),
    responses((status = 200, description = "The topics.", body = SuggestedTopics))
)]
async fn suggest(call: Call) -> Result<Response, ApiError> {
    let wanted = Wanted::read(call.query()?)?;
    let context = &call.api.context;
    let now = context.clock.now();
    let filter = CommunicationFilter {
        from: now.checked_sub_signed(TimeDelta::hours(wanted.hours_back.into())),
        visible_to: call.identity.agent(),
        ..CommunicationFilter::default()
    };
    let most = Limits::SUGGEST_MESSAGES_MAX;
    let headings = context.store.headings(&filter, most).await?;
    let messages: Vec<_> = headings.iter().map(message).collect();
    let question = Question {
        now,
        hours_back: wanted.hours_back,
        messages_max: most as usize,
        topics_max: wanted.topics_max as usize,
        related_max: Limits::SUGGEST_RELATED_MAX,
    };
    let suggested = topics::suggest(&messages, question).into_iter();
    let suggested_topics = suggested.map(SuggestedTopic::from).collect();
    Ok(ok(&SuggestedTopics { suggested_topics }))
}

fn message(heading: &Heading) -> Message<'_> {
    Message {
        id: heading.id.0,
        at: heading.timestamp,
        sender: heading.sender.0,
        receiver: heading.receiver.0,
        topic: heading.topic.as_deref(),
    }
}

impl Wanted {
    fn read(mut query: Fields) -> Result<Self, ApiError> {
        let (default, most) = Limits::SUGGEST_TOPICS;
        let hours_back = query.number("hours_back", 1, u64::from(Limits::SUGGEST_HOURS_MAX));
        let topics_max = query.number("limit", 1, u64::from(most));
        query.finish()?;
        let small = |number: u64| u32::try_from(number).ok();
        Ok(Self {
            hours_back: hours_back.and_then(small).unwrap_or(24),
            topics_max: topics_max.and_then(small).unwrap_or(default),
        })
    }
}

impl From<topics::Suggestion> for SuggestedTopic {
    fn from(suggestion: topics::Suggestion) -> Self {
        Self {
            topic: suggestion.topic,
            priority: suggestion.priority,
            reason: suggestion.reason,
            related_communications: suggestion.related,
            agents: suggestion.agents,
            message_count: suggestion.messages,
            last_at: suggestion.last_at,
        }
    }
}

asked_for! {
    Wanted, {
        let (default, most) = Limits::SUGGEST_TOPICS;
        json!([
            parameter("hours_back", "How many hours back to look.",
                      json!({"type": "integer", "minimum": 1, "maximum": Limits::SUGGEST_HOURS_MAX, "default": 24}), json!(48)),
            parameter("limit", "Topics at most.",
                      json!({"type": "integer", "minimum": 1, "maximum": most, "default": default}), json!(5)),
        ])
    };
}
