//! Browsers: whose pages may ask and read, and what they are told about every answer.

use bytes::Bytes;
use http::header::ORIGIN;
use http::{Method, Request, Response, StatusCode};
use synod::config::Limits;

use super::{AGENTS, header};
use crate::support::database::Fresh;
use crate::support::server::{ALLOWED_ORIGIN, Server, limits};

/// What a page of this origin gets.
async fn from_page(
    server: &Server,
    method: Method,
    path: &str,
    origin: Option<&str>,
) -> Response<Bytes> {
    let mut request = Request::builder()
        .method(method.clone())
        .uri(format!("{}{path}", server.admin.address()));
    if let Some(origin) = origin {
        request = request.header(ORIGIN, origin);
    }
    if method == Method::OPTIONS {
        request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
    }
    let request = request.body(Bytes::new().into()).unwrap();
    server.admin.exchange(request).await.unwrap()
}

/// Origins that are not the allowed one, though some look like it.
const STRANGERS: [&str; 5] = [
    "https://evil.example",
    "null",
    "http://allowed.example",
    "https://allowed.example.evil.example",
    "https://allowed.example:8443",
];

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_every_answer_and_no_other_page_any() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    for (path, status) in [
        (AGENTS, StatusCode::OK),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/api/v1/agents?page=x", StatusCode::BAD_REQUEST),
    ] {
        let answer = from_page(&server, Method::GET, path, Some(ALLOWED_ORIGIN)).await;
        let headers = answer.headers();
        assert_eq!(answer.status(), status);
        assert_eq!(
            header(headers, "access-control-allow-origin"),
            Some(ALLOWED_ORIGIN)
        );
        assert_eq!(header(headers, "access-control-allow-credentials"), None);
        assert_eq!(header(headers, "vary"), Some("origin"));
        let strangers = STRANGERS.into_iter().map(Some).chain([None]);
        for stranger in strangers {
            let answer = from_page(&server, Method::GET, path, stranger).await;
            assert_eq!(answer.status(), status, "who is no browser is answered");
            let headers = answer.headers();
            assert_eq!(
                header(headers, "access-control-allow-origin"),
                None,
                "{stranger:?}"
            );
            assert_eq!(header(headers, "vary"), Some("origin"), "for caches");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_told_what_it_may_ask() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let answer = from_page(&server, Method::OPTIONS, AGENTS, Some(ALLOWED_ORIGIN)).await;
    assert!(answer.status().is_success());
    for (name, value) in [
        ("access-control-allow-origin", ALLOWED_ORIGIN),
        ("access-control-allow-methods", "GET,POST,DELETE"),
        (
            "access-control-allow-headers",
            "authorization,content-type,idempotency-key",
        ),
        ("access-control-max-age", "7200"),
    ] {
        assert_eq!(header(answer.headers(), name), Some(value));
    }
    for stranger in STRANGERS {
        let answer = from_page(&server, Method::OPTIONS, AGENTS, Some(stranger)).await;
        assert!(!answer.status().is_success(), "{stranger}");
        let told = answer.headers().keys();
        let told: Vec<_> = told
            .filter(|name| name.as_str().starts_with("access-control"))
            .collect();
        assert!(told.is_empty(), "{stranger}: {told:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_page_asks_first_counts_for_its_address() {
    let fresh = Fresh::sqlite().await;
    let limits = Limits {
        rate_per_address_per_s: 1,
        burst_per_address: 100,
        ..limits()
    };
    let server = Server::with(&fresh, limits).await;
    for _ in 0..1_000 {
        let answer = from_page(&server, Method::OPTIONS, AGENTS, Some(ALLOWED_ORIGIN)).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return server.stop().await;
        }
    }
    panic!("it was never refused");
}

#[tokio::test]
async fn every_answer_says_how_it_is_to_be_taken_and_nothing_of_the_server() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    for path in ["/healthz", AGENTS, "/nowhere"] {
        let answer = from_page(&server, Method::GET, path, None).await;
        let headers = answer.headers();
        assert_eq!(header(headers, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(headers, "referrer-policy"), Some("no-referrer"));
        assert_eq!(header(headers, "cache-control"), Some("no-store"));
        for name in ["server", "x-powered-by", "via"] {
            assert_eq!(header(headers, name), None, "{path}");
        }
        let body = String::from_utf8_lossy(answer.body());
        assert!(!body.contains(env!("CARGO_PKG_VERSION")), "{body}");
    }
    server.stop().await;
}
