//! The door itself: what holds for every request and every answer, whatever it is about.
//!
//! Every request counts for its address before anything else is looked at. Every answer, refusals among them, tells browsers
//! whose pages may read it (the Fetch standard's CORS) and what they must not do with it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use tower_http::cors::{AllowOrigin, Cors};
use tower_service::Service;
use warp::filters::BoxedFilter;

use super::accept::Peer;
use super::api_error::Code;
use super::{Api, ApiError, Response};
use crate::actors::throttle::Throttle;
use crate::config::Limits;
use crate::telemetry::Metrics;

/// Answers requests; cheap to clone.
#[derive(Clone)]
pub struct Door {
    rooms: Rooms,
    /// The same, for pages of allowed origins.
    for_pages: Arc<Cors<Rooms>>,
    allowed_origins: Arc<[String]>,
    metrics: Metrics,
}

impl Door {
    /// The door to these routes.
    pub fn new(api: &Api) -> Self {
        let rooms = Rooms {
            routes: api.routes(),
            throttle: api.context.throttle.clone(),
        };
        Self {
            for_pages: Arc::new(for_pages(rooms.clone(), &api.allowed_origins)),
            rooms,
            allowed_origins: Arc::clone(&api.allowed_origins),
            metrics: api.context.metrics.clone(),
        }
    }

    /// What is counted here.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers one request of this peer.
    ///
    /// # Errors
    /// Never.
    pub async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
    ) -> Result<Response, Infallible> {
        request.extensions_mut().insert(peer);
        let is_docs = request.uri().path().starts_with(DOCS);
        let origin = request.headers().get(ORIGIN);
        let is_allowed = |origin: &HeaderValue| {
            let mut allowed = self.allowed_origins.iter();
            allowed.any(|allowed| origin == allowed.as_str())
        };
        let is_page = origin.is_some_and(is_allowed);
        // What a page asks first, whether it may ask, is answered before the rooms; it counts all the same.
        let refusal = if is_page && request.method() == Method::OPTIONS {
            self.rooms.admit(&request).err()
        } else {
            None
        };
        let mut response = if let Some(refusal) = refusal {
            (&refusal).into()
        } else if is_page {
            Cors::clone(&self.for_pages).call(request).await?
        } else {
            let mut response = self.rooms.clone().call(request).await?;
            if !self.allowed_origins.is_empty() {
                let headers = response.headers_mut();
                headers.append(VARY, HeaderValue::from_static("origin"));
            }
            response
        };
        if let Some(Code(code)) = response.extensions().get() {
            self.metrics.refused(code);
        }
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            protect(response.headers_mut(), is_docs);
        }
        Ok(response)
    }
}

/// Tells browsers that pages of these origins may ask, with a token in the header: there are no cookies here.
fn for_pages(rooms: Rooms, allowed_origins: &[String]) -> Cors<Rooms> {
    let origins = allowed_origins.iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok());
    Cors::new(rooms)
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY])
        .expose_headers([RETRY_AFTER])
        .max_age(Limits::CORS_MAX_AGE)
}

/// Tells browsers to take an answer for what it says it is, to keep none that may hold what was said in confidence, and, for
/// a page, to load nothing from elsewhere. A route that has said so itself is left alone.
fn protect(headers: &mut HeaderMap, is_docs: bool) {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_json = kind.is_some_and(|kind| kind.starts_with(b"application/json"));
    let is_page = kind.is_some_and(|kind| kind.starts_with(b"text/html"));
    let mut say = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(REFERRER_POLICY, "no-referrer");
    if is_json {
        say(CACHE_CONTROL, "no-store");
    }
    if is_page {
        let policy = if is_docs { DOCS_POLICY } else { PAGE_POLICY };
        say(CONTENT_SECURITY_POLICY, policy);
        say(X_FRAME_OPTIONS, "DENY");
    }
}

/// Where the interactive reference is.
const DOCS: &str = "/docs";
/// What a page may load and do.
const PAGE_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
/// The interactive reference styles itself as it runs, and has its icons in its style sheet.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// All routes, for those who are within their address's rate.
#[derive(Clone)]
struct Rooms {
    routes: BoxedFilter<(Response,)>,
    throttle: Throttle,
}

impl Rooms {
    fn admit(&self, request: &Request<Incoming>) -> Result<(), ApiError> {
        let Some(peer) = request.extensions().get::<Peer>() else {
            return Err(ApiError::internal());
        };
        let counted = self.throttle.address(peer.address.ip());
        counted.map_err(ApiError::rate_limited)?;
        if !names_its_host(request.version(), request.headers()) {
            let reason = "must stand in a request once, as the host that it is for, with its port if it has one";
            return Err(ApiError::invalid("Host", reason));
        }
        Ok(())
    }
}

/// Whether a request says once, and in good order, which host it is for (RFC 9112, section 3.2). HTTP/1.0 need not say it.
fn names_its_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host),
        (None, _) => version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Whether this is a host, perhaps with a port (RFC 9110, section 7.2).
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else {
        return false;
    };
    let port = authority.as_str().strip_prefix(authority.host());
    let is_port = |port: &str| match port.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    !authority.host().is_empty() && port.is_some_and(is_port)
}

impl Service<Request<Incoming>> for Rooms {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        match self.admit(&request) {
            Ok(()) => Box::pin(warp::service(self.routes.clone()).call(request)),
            Err(refusal) => Box::pin(std::future::ready(Ok((&refusal).into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(kind: &'static str, is_docs: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        protect(&mut headers, is_docs);
        headers
    }

    #[test]
    fn a_host_is_named_once_and_in_good_order() {
        let names = |version, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            names_its_host(version, &headers)
        };
        for good in ["x", "example.org", "127.0.0.1:8080", "[::1]:8080", "a:"] {
            assert!(names(Version::HTTP_11, &[good]), "{good}");
        }
        for bad in [
            "", ":80", "a b", "a/b", "a?b", "a@b", "a:b", "a:99999", "a:1:2", "[::1", "http://a",
        ] {
            assert!(!names(Version::HTTP_11, &[bad]), "{bad}");
        }
        assert!(!names(Version::HTTP_11, &[]));
        assert!(names(Version::HTTP_10, &[]), "it has no such header");
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert!(!names(version, &["a", "a"]));
        }
    }

    #[test]
    fn a_page_loads_nothing_from_elsewhere_and_stands_in_no_frame() {
        for is_docs in [false, true] {
            let headers = protected("text/html; charset=utf-8", is_docs);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'self';"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(
                !policy.contains("script-src"),
                "no script but our own: {policy}"
            );
            assert_eq!(policy.contains("style-src 'self' 'unsafe-inline'"), is_docs);
            assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        }
    }

    #[test]
    fn json_is_kept_nowhere_and_needs_no_policy() {
        let headers = protected("application/json", false);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert!(!headers.contains_key(CONTENT_SECURITY_POLICY));
        assert!(!protected("text/css", false).contains_key(CACHE_CONTROL));
    }

    #[test]
    fn a_route_has_the_last_word() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        protect(&mut headers, false);
        assert_eq!(headers[CACHE_CONTROL], "max-age=60");
    }
}
