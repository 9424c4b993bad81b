//! `/meetings/suggest-topics`: what the log says would be worth a meeting.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use super::route::Route;
use super::schema::{asked_for, parameter};
use crate::actors::analyst::{Asked, Failure, Message};
use crate::config::Limits;
use crate::domain::{AgentId, CommunicationId};
use crate::topics::{self, Known, Suggestion};
use crate::transport::fields::Fields;
use crate::transport::{self, ApiError, Response};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::of::<__path_suggest, _>(suggest)]
}

/// What is looked at, and how many topics are wanted.
struct Wanted {
    hours_back: u32,
    topics_max: usize,
    messages_min: usize,
    agent: Option<AgentId>,
}

/// Topics, most urgent first.
#[derive(Serialize, ToSchema)]
struct SuggestedTopics {
    suggested_topics: Vec<SuggestedTopic>,
}

/// A topic that may deserve a meeting.
#[derive(Serialize, ToSchema)]
struct SuggestedTopic {
    /// What to do, in a few words: a meeting's `topic`.
    topic: String,
    /// Why it may deserve one.
    kind: Kind,
    /// From 0 to 1.
    priority: f64,
    /// What the priority is made of.
    priority_parts: PriorityParts,
    /// Why, for people.
    reason: String,
    /// The messages that show it, the strongest evidence first: a meeting's `related_communication_ids`.
    related_communications: Vec<Uuid>,
    /// Everyone who wrote or was written to in them: a meeting's `participant_ids`.
    agents: Vec<Uuid>,
    /// How many messages show it, named or not.
    message_count: usize,
    /// When the latest was sent.
    last_at: DateTime<Utc>,
    /// The meeting that deals, or has dealt, with at least half of the messages named, if you may see it.
    meeting: Option<Uuid>,
}

/// Why a topic may deserve a meeting.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Agents want different things.
    Conflict,
    /// Something was asked, and not answered.
    OpenQuestion,
    /// Several wait for each other, do the same work, or leave it to each other.
    Coordination,
}

/// Shares of one; their sum is the priority.
#[derive(Serialize, ToSchema)]
struct PriorityParts {
    /// Agents speak against each other.
    disagreement: f64,
    /// Questions stay open.
    open_questions: f64,
    /// Work is waited for, claimed or passed on.
    coordination: f64,
    /// How many messages there are.
    frequency: f64,
    /// How many more of late than before.
    growth: f64,
    /// How many agents it touches.
    breadth: f64,
    /// Words that say that it presses.
    urgency: f64,
    /// How new the last message is.
    recency: f64,
}

/// Suggests topics for meetings.
///
/// From what the messages that you may see say. Small talk, reports and what was settled are not suggested. Nothing is started by it.
#[utoipa::path(
    get,
    path = "/api/v1/meetings/suggest-topics",
    params(Wanted),
    responses((status = 200, description = "The topics.", body = SuggestedTopics))
)]
async fn suggest(call: Call) -> Result<Response, ApiError> {
    let wanted = Wanted::read(call.query()?)?;
    let visible_to = call.identity.agent();
    let asked = Asked {
        hours_back: wanted.hours_back,
        messages_min: wanted.messages_min,
        topics_max: wanted.topics_max,
        agent: wanted.agent,
        visible_to,
    };
    let analyst = &call.api.analyst;
    let suggestions =
        transport::call(analyst, |reply| Message::Suggest(asked, reply), None).await?;
    let suggestions = suggestions.map_err(|failure| match failure {
        Failure::Busy => ApiError::overloaded(),
        Failure::Storage(error) => error.into(),
        Failure::Internal => ApiError::internal(),
    })?;
    let meetings = meetings(&call, &suggestions).await?;
    let topics = suggestions.iter();
    let suggested_topics = topics
        .map(|topic| SuggestedTopic::of(topic, &meetings))
        .collect();
    call.ok(&SuggestedTopics { suggested_topics }).await
}

/// The meetings that these topics' messages have prompted already, the newest first.
async fn meetings(call: &Call, suggestions: &[Suggestion]) -> Result<Vec<Known>, ApiError> {
    let ids = suggestions
        .iter()
        .flat_map(|suggestion| &suggestion.related);
    let ids: BTreeSet<_> = ids.copied().collect();
    let ids: Vec<_> = ids.into_iter().map(CommunicationId).collect();
    let links = call
        .api
        .context
        .store
        .links(&ids, call.identity.agent())
        .await?;
    let mut places = HashMap::new();
    let mut meetings = Vec::<Known>::new();
    for (meeting, message) in links {
        let place = *places.entry(meeting).or_insert_with(|| {
            meetings.push(Known {
                meeting: meeting.0,
                related: BTreeSet::new(),
            });
            meetings.len() - 1
        });
        meetings[place].related.insert(message.0);
    }
    Ok(meetings)
}

impl Wanted {
    fn read(mut query: Fields) -> Result<Self, ApiError> {
        let (default, most) = Limits::SUGGEST_TOPICS;
        let hours_back = query.number("hours_back", 1, u64::from(Limits::SUGGEST_HOURS_MAX));
        let topics_max = query.number("limit", 1, u64::from(most));
        let messages_min = query.number("min_messages", 1, u64::from(Limits::SUGGEST_MESSAGES_MAX));
        let agent = query.id("agent_id").map(AgentId);
        query.finish()?;
        let small = |number: u64| u32::try_from(number).ok();
        Ok(Self {
            hours_back: hours_back.and_then(small).unwrap_or(24),
            topics_max: topics_max.and_then(small).unwrap_or(default) as usize,
            messages_min: messages_min.and_then(small).unwrap_or(1) as usize,
            agent,
        })
    }
}

impl SuggestedTopic {
    fn of(suggestion: &Suggestion, meetings: &[Known]) -> Self {
        let parts = suggestion.parts;
        Self {
            topic: suggestion.topic.clone(),
            kind: match suggestion.kind {
                topics::Kind::Conflict => Kind::Conflict,
                topics::Kind::OpenQuestion => Kind::OpenQuestion,
                topics::Kind::Coordination => Kind::Coordination,
            },
            priority: suggestion.priority,
            priority_parts: PriorityParts {
                disagreement: parts.disagreement,
                open_questions: parts.open_questions,
                coordination: parts.coordination,
                frequency: parts.frequency,
                growth: parts.growth,
                breadth: parts.breadth,
                urgency: parts.urgency,
                recency: parts.recency,
            },
            reason: suggestion.reason.clone(),
            related_communications: suggestion.related.clone(),
            agents: suggestion.agents.clone(),
            message_count: suggestion.messages,
            last_at: suggestion.last_at,
            meeting: suggestion.meeting(meetings),
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
            parameter("min_messages", "Topics that fewer messages show are left out.",
                      json!({"type": "integer", "minimum": 1, "maximum": Limits::SUGGEST_MESSAGES_MAX, "default": 1}), json!(3)),
            parameter("agent_id", "Only messages that this agent sent or received.",
                      json!({"type": "string", "format": "uuid"}), json!("018f2c6e-7b3a-7c1d-9a51-3f1f0c9d2e77")),
        ])
    };
}
