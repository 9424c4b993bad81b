//! The REST routes: one file for each resource.
//!
//! A route is a function from a [`Call`](call::Call) to an answer, annotated with what it takes and gives. All of them
//! stand in one [`table`]; the router and the OpenAPI document are both made from it, so neither knows what
//! the other does not. The functions know nothing of warp.

mod agents;
mod call;
mod communications;
mod dashboard;
mod decisions;
mod docs;
mod health;
mod logging;
mod meeting_view;
mod meetings;
mod new_meeting;
mod openapi;
mod page;
mod route;
mod router;
mod schema;
mod steps;
mod suggestions;
mod transcript;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::{Filter, Rejection, Reply};

use self::call::Load;
use self::route::Route;
use self::router::{Found, Missed, Router};
use super::fields::Fields;
use super::{Api, ApiError, Response};

/// Every REST route.
fn table() -> Vec<Route> {
    let resources = [
        health::routes(),
        agents::routes(),
        communications::routes(),
        logging::routes(),
        suggestions::routes(),
        transcript::routes(),
        new_meeting::routes(),
        meetings::routes(),
        steps::routes(),
        decisions::routes(),
        openapi::routes(),
        docs::routes(),
        dashboard::routes(),
    ];
    resources.into_iter().flatten().collect()
}

/// Hands requests to the table; what no route takes goes on to the sockets.
pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    found(Router::new(table()))
        .and(warp::header::headers_cloned())
        .and(raw_query())
        .and(warp::body::stream())
        .and(with(api))
        .then(|found: Found, headers, query, body, api| async move {
            found.answer(api, Load::new(headers, query, body)).await
        })
        .boxed()
}

/// The route of a request.
fn found(router: Router) -> impl Filter<Extract = (Found,), Error = Rejection> + Clone {
    let router = Arc::new(router);
    let find = move |method: Method, path: FullPath| {
        let found = router.find(&method, path.as_str());
        let missed = |missed| match missed {
            Missed::Path => warp::reject::not_found(),
            Missed::Method(allowed) => warp::reject::custom(ApiError::method_not_allowed(&allowed)),
        };
        std::future::ready(found.map_err(missed))
    };
    warp::method().and(warp::path::full()).and_then(find)
}

/// Hands the api to a route.
pub(super) fn with(api: &Api) -> impl Filter<Extract = (Api,), Error = Infallible> + Clone + use<> {
    let api = api.clone();
    warp::any().map(move || api.clone())
}

/// Takes the query.
pub(super) fn query()
-> impl Filter<Extract = (Result<Fields, ApiError>,), Error = Infallible> + Clone {
    raw_query().map(|query: String| Fields::from_query(&query))
}

fn raw_query() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// The answer, yes or no.
pub(super) fn respond(answer: Result<Response, ApiError>) -> Response {
    answer.unwrap_or_else(|error| (&error).into())
}

/// 200 with a body.
fn ok(body: &impl Serialize) -> Response {
    warp::reply::json(body).into_response()
}

/// 201 with a body.
fn created(body: &impl Serialize) -> Response {
    warp::reply::with_status(ok(body), StatusCode::CREATED).into_response()
}

/// JSON that was kept, as the very text that it is: no value is made of it, so nothing of it changes.
fn stored_json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
