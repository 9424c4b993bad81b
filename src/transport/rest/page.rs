//! Lists: what all of them are asked and what all of them say beside their rows.

use chrono::DateTime;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::schema::{asked_for, parameter};
use crate::config::Limits;
use crate::storage::{Keyset, Page, PageRequest, Start};
use crate::transport::fields::List;

/// Where a page lies in its list.
#[derive(Serialize, ToSchema)]
pub(super) struct Place {
    /// Rows in the whole list; null with `cursor`, which counts nothing.
    total: Option<u64>,
    /// Whether `total` was estimated, as it may be for long lists.
    total_is_estimate: bool,
    /// The number of this page; null with `cursor`.
    page: Option<u32>,
    /// Rows on a page, at most.
    page_size: u32,
    /// The `cursor` of the next page; null at the end.
    next_cursor: Option<String>,
}

impl Place {
    pub(super) fn of<T>(list: List, request: PageRequest, page: &Page<T>) -> Self {
        let number = match request.start {
            Start::Number(number) => Some(number),
            Start::After(_) => None,
        };
        Self {
            total: page.total.map(|total| total.rows),
            total_is_estimate: page.total.is_some_and(|total| total.is_estimate),
            page: number,
            page_size: request.size,
            next_cursor: page.next.map(|next| list.cursor(next)),
        }
    }
}

/// Which page of its list a query asks for, as the document describes it: the cursor that it shows is one of that list.
macro_rules! pages {
    ($($page:ident, $list:expr;)*) => {$(
        /// Which page of this list is wanted.
        pub(super) struct $page;

        asked_for! {
            $page, parameters($list);
        }
    )*};
}

pages! {
    AgentsPage, List::Agents;
    CommunicationsPage, List::Communications;
    DecisionsPage, List::Decisions;
    MeetingsPage, List::Meetings;
}

fn parameters(list: List) -> Value {
    let (default, most) = Limits::PAGE_SIZE;
    let place = Keyset {
        at: DateTime::UNIX_EPOCH,
        id: Uuid::nil(),
    };
    json!([
        parameter(
            "page",
            "Which page, from 1; the whole list is counted.",
            json!({"type": "integer", "minimum": 1, "maximum": u32::MAX, "default": 1}),
            json!(2)
        ),
        parameter(
            "page_size",
            "Rows on a page.",
            json!({"type": "integer", "minimum": 1, "maximum": most, "default": default}),
            json!(100)
        ),
        parameter(
            "cursor",
            "Instead of `page`: the `next_cursor` of the page before, of the same list. Nothing is counted, and what comes in between moves nothing.",
            json!({"type": "string"}),
            json!(list.cursor(place))
        ),
    ])
}
