//! `/meetings/{id}/transcript`: a meeting to be read.

use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use serde_json::json;
use warp::Reply;

use super::call::Call;
use super::meetings;
use super::route::Route;
use super::schema::described;
use crate::actors::journal;
use crate::config::Limits;
use crate::domain::MeetingId;
use crate::storage::Error;
use crate::transport::{ApiError, Response, media_type};
use crate::wire::transcript::Transcript;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::of::<__path_transcript, _>(transcript)]
}

/// Tells a whole meeting.
///
/// From its first event to its last, with everyone's words: as Markdown where `Accept` wants `text/markdown` more than
/// `application/json`, by name, by range (`text/*`, `*/*`) and by weight (`q=`); else as JSON, even where neither is acceptable.
#[utoipa::path(
    get,
    path = "/api/v1/meetings/{id}/transcript",
    responses(
        (status = 200, description = "The transcript.", content(
            (Transcript = "application/json"),
            (String = "text/markdown"),
        )),
        (status = 403, description = "`forbidden`: you are not in this meeting."),
    )
)]
async fn transcript(call: Call) -> Result<Response, ApiError> {
    let id: MeetingId = call.id();
    meetings::ensure_visible(&call, id).await?;
    let (store, reservation) = (&*call.api.context.store, &*call.reservation);
    let rows = journal::read_whole(store, id, Limits::ANSWER_MAX_BYTES, reservation).await?;
    if rows.is_empty() {
        return Err(ApiError::not_found("no such meeting"));
    }
    // Events and the entries that are made of them are there at the same time.
    let read = reservation.bytes();
    reservation.take(read).await.map_err(Error::from)?;
    let journal: Result<Vec<_>, _> = rows.iter().map(journal::decode).collect();
    drop(rows);
    let journal = journal.map_err(|error| ApiError::unreadable(&error))?;
    let transcript = Transcript::of(&journal)
        .map_err(|error| ApiError::unreadable(&journal::Error::from(error)))?;
    drop(journal);
    reservation.keep(read);
    let mut response = if prefers_markdown(&call) {
        // A line of a quote has two characters more: at worst a text of line breaks is tripled.
        reservation.take(2 * read).await.map_err(Error::from)?;
        let mut page = transcript.to_markdown().into_response();
        let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
        page.headers_mut().insert(CONTENT_TYPE, markdown);
        page
    } else {
        call.ok(&transcript).await?
    };
    let vary = HeaderValue::from_static("accept");
    response.headers_mut().append(VARY, vary);
    Ok(response)
}

/// Whether Markdown is wanted more than JSON.
fn prefers_markdown(call: &Call) -> bool {
    let lines = call.headers.get_all(ACCEPT).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let accept = lines.join(",");
    media_type::quality(&accept, "text/markdown") > media_type::quality(&accept, "application/json")
}

described! {
    Transcript, "Transcript", json!({
        "type": "object",
        "description": "A meeting and what was said in it.",
        "required": ["meeting", "entries"],
        "properties": {
            "meeting": {"type": "object", "description": "The meeting as its journal leaves it."},
            "entries": {"type": "array", "description": "What happened, in order.", "items": {
                "type": "object",
                "required": ["seq", "at"],
                "properties": {
                    "seq": {"type": "integer", "minimum": 1, "description": "The number of the event."},
                    "at": {"type": "string", "format": "date-time"},
                },
            }},
        },
    });
}
