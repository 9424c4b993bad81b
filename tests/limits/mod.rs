//! Limits: how fast anybody may ask, what a connection may do, and what a browser's page may see.

mod answers;
mod bodies;
mod browsers;
mod connections;
mod metrics;
mod rates;
mod readers;

use http::HeaderMap;

use crate::support::raw::{Raw, exchange, status};
use crate::support::server::ADMIN_TOKEN;

const AGENTS: &str = "/api/v1/agents";
const MEETINGS: &str = "/api/v1/meetings";
const COMMUNICATIONS: &str = "/api/v1/communications";

/// The head of a POST with these headers.
fn post(path: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n{headers}\r\n"
    )
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}
