//! One route: its method and path, what it says of itself in the description, and the function that answers.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Method;
use utoipa::__dev::SchemaReferences;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{RefOr, Schema};

use super::call::{Call, Intake, Visit};
use crate::transport::idempotency::Act;
use crate::transport::{ApiError, Response};

/// One line of the table from which both the router and the OpenAPI document are made.
pub(super) struct Route {
    pub(super) method: HttpMethod,
    /// The path, with names in braces: one that ends in `id` stands for a UUID, any other for a text.
    pub(super) template: String,
    pub(super) operation: Operation,
    /// The schemas that `operation` refers to, by name.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    pub(super) answer: Answer,
}

/// What becomes of a request, in time.
pub(super) type Answering = BoxFuture<'static, Result<Response, ApiError>>;

/// The function that answers, and whom.
pub(super) enum Answer {
    /// Only those whose token is known.
    Known(Box<dyn Fn(Call) -> Answering + Send + Sync>),
    /// The same, with a body of this kind, to change something.
    Acting(
        Intake,
        Box<dyn Fn(Call, Arc<Act>) -> Answering + Send + Sync>,
    ),
    /// Anybody.
    Anybody(Box<dyn Fn(Visit) -> Answering + Send + Sync>),
}

impl Route {
    /// A route for those whose token is known. `P` is what `#[utoipa::path]` made of the function: `__path_` and its name.
    pub(super) fn of<P, F>(answer: impl Fn(Call) -> F + Send + Sync + 'static) -> Self
    where
        P: utoipa::Path + SchemaReferences,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        Self::described::<P>(Answer::Known(Box::new(move |call| Box::pin(answer(call)))))
    }

    /// A route for those whose token is known, which changes something: with an `Idempotency-Key` it acts once.
    pub(super) fn acting<P, F>(
        intake: Intake,
        answer: impl Fn(Call, Arc<Act>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: utoipa::Path + SchemaReferences,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        let answer = move |call, act| -> Answering { Box::pin(answer(call, act)) };
        Self::described::<P>(Answer::Acting(intake, Box::new(answer)))
    }

    /// A route for anybody: no token is asked for.
    pub(super) fn public<P, F>(answer: impl Fn(Visit) -> F + Send + Sync + 'static) -> Self
    where
        P: utoipa::Path + SchemaReferences,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        Self::described::<P>(Answer::Anybody(Box::new(move |visit| {
            Box::pin(answer(visit))
        })))
    }

    fn described<P: utoipa::Path + SchemaReferences>(answer: Answer) -> Self {
        let method = P::methods().pop();
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        Self {
            method: method.expect("an annotation names a method"),
            template: P::path(),
            operation: P::operation(),
            schemas,
            answer,
        }
    }

    /// Its method, as requests name it.
    pub(super) fn method(&self) -> Method {
        match self.method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Delete => Method::DELETE,
            HttpMethod::Options => Method::OPTIONS,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Trace => Method::TRACE,
        }
    }
}
