//! What is counted: every name in one place, in the text format that Prometheus reads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// All that is counted of one server; cheap to clone. Two servers in one process count apart.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

/// One of something that comes and goes, counted until it is dropped.
#[derive(Debug)]
pub struct Held(Gauge);

/// A way into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Of the meetings' events.
    Journal,
    /// Of the messages between agents.
    Log,
    /// Of direct messages.
    Mail,
}

struct Inner {
    registry: Registry,
    connections: Gauge,
    sockets: Gauge,
    meetings: Gauge,
    commands: Gauge,
    read_budget_bytes: Gauge,
    read_budget_waiting: Gauge,
    frames_in: Counter,
    frames_out: Counter,
    refusals: Family<Refusal, Counter>,
    socket_closes: Family<Close, Counter>,
    journal: LaneMetrics,
    log: LaneMetrics,
    mail: LaneMetrics,
    database_retries: Counter,
    database_errors: Counter,
    requests: Family<Request, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
}

struct LaneMetrics {
    rows: Counter,
    seconds: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Close {
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneName {
    lane: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("synod");
        let gauge = |registry: &mut Registry, name: &str, what: &str| {
            let gauge = Gauge::default();
            registry.register(name, what, gauge.clone());
            gauge
        };
        let counter = |registry: &mut Registry, name: &str, what: &str| {
            let counter = Counter::default();
            registry.register(name, what, counter.clone());
            counter
        };
        let frames = Family::<Direction, Counter>::default();
        registry.register("frames", "Frames on all sockets", frames.clone());
        let frames = |direction| frames.get_or_create_owned(&Direction { direction });
        let refusals = Family::default();
        let what = "Refusals, by REST and on sockets, by their code";
        registry.register("refusals", what, refusals.clone());
        let socket_closes = Family::default();
        let what = "Sockets that the server closed, by close code";
        registry.register("socket_closes", what, socket_closes.clone());
        let [journal, log, mail] = lanes(&mut registry);
        let requests = Family::default();
        registry.register("requests", "Requests by REST", requests.clone());
        let request_seconds = Family::new_with_constructor(seconds as fn() -> Histogram);
        let what = "Time to answer a request by REST";
        registry.register_with_unit("request", what, Unit::Seconds, request_seconds.clone());
        Self(Arc::new(Inner {
            connections: gauge(&mut registry, "connections", "Open TCP connections"),
            sockets: gauge(&mut registry, "sockets", "Open WebSockets"),
            meetings: gauge(&mut registry, "meetings", "Meetings that run here"),
            commands: gauge(
                &mut registry,
                "commands_pending",
                "Commands that wait for their answer",
            ),
            read_budget_bytes: gauge(
                &mut registry,
                "read_budget_bytes",
                "Bytes held for readers: rows, JSON and frames",
            ),
            read_budget_waiting: gauge(
                &mut registry,
                "read_budget_waiting",
                "Reads that wait for room in the read budget",
            ),
            frames_in: frames("in"),
            frames_out: frames("out"),
            refusals,
            socket_closes,
            journal,
            log,
            mail,
            database_retries: counter(
                &mut registry,
                "database_retries",
                "Commits that were tried again",
            ),
            database_errors: counter(
                &mut registry,
                "database_errors",
                "Commits that the database would not take",
            ),
            requests,
            request_seconds,
            registry,
        }))
    }

    /// A TCP connection is open.
    pub fn connection_open(&self) -> Held {
        Held::one(&self.0.connections)
    }

    /// A WebSocket is open.
    pub fn socket_open(&self) -> Held {
        Held::one(&self.0.sockets)
    }

    /// A meeting runs here.
    pub fn meeting_running(&self) -> Held {
        Held::one(&self.0.meetings)
    }

    /// A command waits for its answer.
    pub fn command_pending(&self) -> Held {
        Held::one(&self.0.commands)
    }

    /// So many bytes were taken from the read budget.
    pub fn read_budget_took(&self, bytes: usize) {
        self.0.read_budget_bytes.inc_by(signed(bytes));
    }

    /// So many bytes were given back to the read budget.
    pub fn read_budget_gave_back(&self, bytes: usize) {
        self.0.read_budget_bytes.dec_by(signed(bytes));
    }

    /// So many reads wait for room in the read budget now.
    pub fn read_budget_waiting(&self, reads: usize) {
        self.0.read_budget_waiting.set(signed(reads));
    }

    /// A peer sent a frame.
    pub fn frame_in(&self) {
        self.0.frames_in.inc();
    }

    /// A peer was sent frames.
    pub fn frames_out(&self, frames: usize) {
        self.0
            .frames_out
            .inc_by(u64::try_from(frames).unwrap_or(u64::MAX));
    }

    /// Somebody was told no, with this code.
    pub fn refused(&self, code: &'static str) {
        self.0.refusals.get_or_create(&Refusal { code }).inc();
    }

    /// The server closes a socket with this code.
    pub fn socket_closed(&self, code: u16) {
        self.0.socket_closes.get_or_create(&Close { code }).inc();
    }

    /// A lane's commit is done; it had so many rows.
    pub fn committed(&self, lane: Lane, rows: usize, took: Duration) {
        let lane = match lane {
            Lane::Journal => &self.0.journal,
            Lane::Log => &self.0.log,
            Lane::Mail => &self.0.mail,
        };
        lane.rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
        lane.seconds.observe(took.as_secs_f64());
    }

    /// The database did not answer a commit, which is tried again.
    pub fn database_retry(&self) {
        self.0.database_retries.inc();
    }

    /// The database answered a commit with a no.
    pub fn database_error(&self) {
        self.0.database_errors.inc();
    }

    /// A request was answered. `template` is its route's, such as `/api/v1/agents/{id}`: never the path itself, of which there
    /// is no end.
    pub fn answered(&self, method: &Method, template: &str, status: StatusCode, took: Duration) {
        let (method, route) = (name(method), template.to_owned());
        let by_route = Route {
            method,
            route: route.clone(),
        };
        let by_status = Request {
            method,
            route,
            status: status.as_u16(),
        };
        let seconds = self.0.request_seconds.get_or_create(&by_route);
        seconds.observe(took.as_secs_f64());
        self.0.requests.get_or_create(&by_status).inc();
    }

    /// Everything, as text of [`CONTENT_TYPE`](Self::CONTENT_TYPE).
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = text::encode(&mut text, &self.0.registry);
        text
    }

    /// What [`encode`](Self::encode) writes.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metrics").finish_non_exhaustive()
    }
}

impl Held {
    fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn lanes(registry: &mut Registry) -> [LaneMetrics; 3] {
    let rows = Family::<LaneName, Counter>::default();
    registry.register("committed_rows", "Rows committed", rows.clone());
    let took = Family::new_with_constructor(seconds as fn() -> Histogram);
    let what = "Time from the first try of a commit until it was durable";
    registry.register_with_unit("commit", what, Unit::Seconds, took.clone());
    let lane = |lane| LaneMetrics {
        rows: rows.get_or_create_owned(&LaneName { lane }),
        seconds: took.get_or_create_owned(&LaneName { lane }),
    };
    ["journal", "log", "mail"].map(lane)
}

/// Anybody may invent a method, so only those that are used here have a name.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// From a commit in memory to a database that is away.
fn seconds() -> Histogram {
    Histogram::new(BUCKETS_S)
}

const BUCKETS_S: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metrics: &Metrics, start: &str) -> String {
        let text = metrics.encode();
        let found = text.lines().find_map(|line| line.strip_prefix(start));
        found
            .unwrap_or_else(|| panic!("no {start} in {text}"))
            .trim()
            .to_owned()
    }

    #[test]
    fn what_comes_and_goes_is_counted_as_long_as_it_is_held() {
        let metrics = Metrics::new();
        let held = [metrics.socket_open(), metrics.socket_open()];
        assert_eq!(line(&metrics, "synod_sockets "), "2");
        drop(held);
        assert_eq!(line(&metrics, "synod_sockets "), "0");
    }

    #[test]
    fn two_servers_in_one_process_count_apart() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.frame_in();
        let frames = "synod_frames_total{direction=\"in\"}";
        assert_eq!(
            (line(&one, frames), line(&other, frames)),
            ("1".to_owned(), "0".to_owned())
        );
    }

    #[test]
    fn a_request_is_counted_by_its_route_and_a_method_that_somebody_invented_by_none() {
        let metrics = Metrics::new();
        let invented = Method::from_bytes(b"DANCE").unwrap();
        for method in [Method::GET, invented] {
            let took = Duration::from_millis(2);
            metrics.answered(&method, "/api/v1/agents/{id}", StatusCode::OK, took);
        }
        let counted = |method: &str| {
            format!(
                "synod_requests_total{{method=\"{method}\",route=\"/api/v1/agents/{{id}}\",status=\"200\"}}"
            )
        };
        assert_eq!(line(&metrics, &counted("GET")), "1");
        assert_eq!(line(&metrics, &counted("OTHER")), "1");
        let within = "synod_request_seconds_bucket{le=\"0.0025\",method=\"GET\"";
        assert!(line(&metrics, within).ends_with(" 1"));
    }

    #[test]
    fn a_commit_is_counted_in_its_lane() {
        let metrics = Metrics::new();
        metrics.committed(Lane::Log, 7, Duration::from_millis(3));
        assert_eq!(
            line(&metrics, "synod_committed_rows_total{lane=\"log\"}"),
            "7"
        );
        assert_eq!(
            line(&metrics, "synod_committed_rows_total{lane=\"journal\"}"),
            "0"
        );
        assert_eq!(
            line(&metrics, "synod_commit_seconds_count{lane=\"log\"}"),
            "1"
        );
    }
}
