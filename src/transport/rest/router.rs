//! From a request to its route, and from there to an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use uuid::Uuid;

use super::call::{Call, Captured, Load, Visit};
use super::route::{Answer, Route};
use crate::config::Limits;
use crate::storage::Error;
use crate::transport::idempotency::{self, Fingerprint, Turn};
use crate::transport::{Api, ApiError, Response, answers, auth};

/// Every route, found by its path. Places are tried in order, and a fixed segment comes before one with a name.
pub(super) struct Router {
    places: BTreeMap<Vec<Segment>, Vec<Arc<Route>>>,
}

/// A part of a path template.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Fixed(String),
    /// `{id}`: a UUID.
    Id,
    /// Any other name in braces: any text.
    Text,
}

/// A request and the route that it is for.
pub(super) struct Found {
    route: Arc<Route>,
    path: String,
    captured: Captured,
}

/// Why there is no route for a request.
#[derive(Debug)]
pub(super) enum Missed {
    /// No template fits the path.
    Path,
    /// One does, but has only these methods.
    Method(String),
}

impl Router {
    pub(super) fn new(table: Vec<Route>) -> Self {
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for route in table {
            let place: Vec<_> = segments(&route.template).map(Segment::parse).collect();
            places.entry(place).or_default().push(Arc::new(route));
        }
        Self { places }
    }

    /// Finds the route of a request. A HEAD is answered like a GET; hyper leaves out the body.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Found, Missed> {
        let mut places = self.places.iter();
        let (captured, routes) = places
            .find_map(|(place, routes)| Some((captured(place, path)?, routes)))
            .ok_or(Missed::Path)?;
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let route = routes.iter().find(|route| route.method() == method);
        Ok(Found {
            route: Arc::clone(route.ok_or_else(|| Missed::Method(methods(routes)))?),
            path: path.to_owned(),
            captured,
        })
    }
}

impl Found {
    /// Answers, and counts the answer.
    pub(super) async fn answer(self, api: Api, load: Load) -> Response {
        let clock = api.context.clock.clone();
        let (metrics, begun) = (api.context.metrics.clone(), clock.elapsed());
        let route = Arc::clone(&self.route);
        let response = super::respond(self.act(api, load).await);
        let took = clock.elapsed().saturating_sub(begun);
        metrics.answered(&route.method(), &route.template, response.status(), took);
        response
    }

    /// Lets the route's function answer. Who asks is known before the body is read.
    async fn act(self, api: Api, mut load: Load) -> Result<Response, ApiError> {
        let Self {
            route,
            path,
            captured,
        } = self;
        match &route.answer {
            Answer::Anybody(answer) => {
                answer(Visit {
                    api,
                    path,
                    captured,
                })
                .await
            }
            Answer::Known(answer) => {
                let identity = auth::identify(&api, load.headers()).await?;
                let budget = api.context.budget.clone();
                let call = Call::new(api, identity, captured, load, Bytes::new(), None);
                let reservation = Arc::clone(&call.reservation);
                let answered = answer(call).await?;
                answers::hold(answered, reservation, &budget).await
            }
            Answer::Acting(intake, answer) => {
                let (clock, presence) = (&api.context.clock, &api.context.presence);
                let (asked, dismissals) = (clock.elapsed(), presence.dismissals());
                let identity = auth::identify(&api, load.headers()).await?;
                let (body, room) = load.take_body(*intake, &api).await?;
                let is_old = clock.elapsed().saturating_sub(asked) > Limits::IDENTITY_MAX_AGE;
                if is_old || presence.dismissals() != dismissals {
                    auth::ensure_still(&api, load.headers(), &identity).await?;
                }
                let fingerprint = || Fingerprint::of(&route.method(), &path, load.query(), &body);
                let turn = idempotency::turn(&api, &identity, load.headers(), fingerprint).await?;
                let act = match turn {
                    Turn::Act(act) => Arc::new(act),
                    Turn::Answered(response) => {
                        let reservation = api.context.budget.reservation(identity.owner());
                        return answers::hold_if_there_is_room(response, reservation).await;
                    }
                };
                let call = Call::new(api.clone(), identity, captured, load, body, Some(room));
                let reservation = Arc::clone(&call.reservation);
                // The answer may tell all of it again.
                let most = call.body.len() + Limits::ROW_OVERHEAD_BYTES;
                reservation.take(most).await.map_err(Error::from)?;
                let answered = answer(call, Arc::clone(&act)).await;
                let answered = act.end(&api, answered).await?;
                answers::hold(answered, reservation, &api.context.budget).await
            }
        }
    }
}

impl Segment {
    fn parse(segment: &str) -> Self {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            None => Self::Fixed(segment.to_owned()),
            Some("id") => Self::Id,
            Some(_) => Self::Text,
        }
    }
}

/// The parts of a path as they stand, without decoding: our own have nothing that needs it, so what is encoded is
/// another path. A slash at the end is as good as none.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/')
}

fn captured(place: &[Segment], path: &str) -> Option<Captured> {
    let mut captured = Captured::default();
    let mut given = segments(path);
    for segment in place {
        let given = given.next()?;
        match segment {
            Segment::Fixed(fixed) if fixed == given => {}
            Segment::Fixed(_) => return None,
            Segment::Id => captured.id = Some(Uuid::parse_str(given).ok()?),
            Segment::Text => captured.text = Some(given.to_owned()),
        }
    }
    given.next().is_none().then_some(captured)
}

/// The value of an `Allow` header (RFC 9110, section 10.2.1).
fn methods(routes: &[Arc<Route>]) -> String {
    let mut methods: Vec<_> = routes.iter().map(|route| route.method()).collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    let mut names: Vec<_> = methods.iter().map(Method::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[utoipa::path(get, path = "/things/{id}")]
    async fn show(_: Call) -> Result<Response, ApiError> {
        Err(ApiError::internal())
    }

    #[utoipa::path(delete, path = "/things/{id}")]
    async fn remove(_: Call) -> Result<Response, ApiError> {
        Err(ApiError::internal())
    }

    #[utoipa::path(get, path = "/things/{name}")]
    async fn named(_: Call) -> Result<Response, ApiError> {
        Err(ApiError::internal())
    }

    #[utoipa::path(post, path = "/things/best")]
    async fn best(_: Visit) -> Result<Response, ApiError> {
        Err(ApiError::internal())
    }

    fn router() -> Router {
        Router::new(vec![
            Route::of::<__path_named, _>(named),
            Route::of::<__path_show, _>(show),
            Route::of::<__path_remove, _>(remove),
            Route::public::<__path_best, _>(best),
        ])
    }

    /// The template that a request finds, or why it finds none.
    fn finds(method: &Method, path: &str) -> String {
        match router().find(method, path) {
            Ok(found) => format!("{} {}", found.route.method(), found.route.template),
            Err(Missed::Path) => "nothing".to_owned(),
            Err(Missed::Method(methods)) => format!("only {methods}"),
        }
    }

    const ID: &str = "/things/00000000-0000-0000-0000-000000000007";

    #[test]
    fn fixed_parts_come_before_ids_and_ids_before_texts() {
        assert_eq!(finds(&Method::POST, "/things/best"), "POST /things/best");
        assert_eq!(finds(&Method::GET, "/things/best"), "only POST");
        assert_eq!(finds(&Method::GET, ID), "GET /things/{id}");
        assert_eq!(finds(&Method::GET, "/things/other"), "GET /things/{name}");
    }

    #[test]
    fn a_path_without_the_method_names_those_it_has() {
        assert_eq!(finds(&Method::PUT, ID), "only DELETE, GET, HEAD");
        assert_eq!(finds(&Method::HEAD, ID), "GET /things/{id}");
        assert_eq!(finds(&Method::HEAD, "/things/best"), "only POST");
    }

    #[test]
    fn only_the_path_itself_fits() {
        assert_eq!(
            finds(&Method::POST, "/things/best/"),
            "POST /things/best",
            "a slash at the end is as good as none"
        );
        for path in [
            "",
            "/",
            "/things",
            "//things/best",
            "/things/best/more",
            "/%74hings/best",
            "/things%2Fbest",
        ] {
            assert_eq!(finds(&Method::POST, path), "nothing", "{path}");
        }
        assert_eq!(finds(&Method::POST, "/things/b%65st"), "only GET, HEAD");
    }

    #[test]
    fn what_a_name_stands_for_is_captured() {
        let found = router().find(&Method::GET, ID).unwrap();
        assert_eq!(found.captured.id, Some(Uuid::from_u128(7)));
        let found = router().find(&Method::GET, "/things/a%2Fb").unwrap();
        assert_eq!(found.captured.text.as_deref(), Some("a%2Fb"));
    }
}
