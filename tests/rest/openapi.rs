//! The OpenAPI document: public, whole and true; and the page that shows it.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{Method, Request, Response, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};
use synod::client::Client;
use uuid::Uuid;

use super::communications::message;
use super::{AGENTS, COMMUNICATIONS, MEETINGS, get};
use crate::support::agent::{agreeable, logs};
use crate::support::database::Fresh;
use crate::support::server::{Server, over};

const DOCUMENT: &str = "/api/v1/openapi.json";
/// Every method but HEAD, which goes with GET, and those that change nothing about a path.
const METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];

/// The document, and a server to hold it against.
struct Described {
    fresh: Fresh,
    server: Server,
    document: Value,
}

impl Described {
    async fn new() -> Self {
        let fresh = Fresh::sqlite().await;
        let server = Server::on(&fresh).await;
        let anybody = server.admin.with_token("").unwrap();
        let document = get(&anybody, DOCUMENT).await;
        Self {
            fresh,
            server,
            document,
        }
    }

    /// Ends in good order; the database is there until then.
    async fn stop(self) {
        self.server.stop().await;
        drop(self.fresh);
    }

    /// Every operation: method, path template and description.
    fn operations(&self) -> Vec<(String, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
        });
        all.collect()
    }

    /// A validator of a schema that refers to others in the document.
    fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema],
                           "components": self.document["components"]});
        let options = jsonschema::options().should_validate_formats(true);
        options.build(&whole).unwrap()
    }

    #[track_caller]
    fn fits(&self, schema: &Value, value: &Value, what: &str) {
        let faults: Vec<_> = self
            .validator(schema)
            .iter_errors(value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{what}: {faults:#?}\n{value:#}");
    }

    /// Sends a request to a path of the document and holds the answer against what stands there.
    async fn asks(
        &self,
        client: &Client,
        method: &str,
        template: &str,
        id: Uuid,
        body: Option<Value>,
    ) -> (u16, Value) {
        let answer = send(client, method, &concrete(template, id), body).await;
        let status = answer.status().as_u16();
        let what = format!("{method} {template}: {status}");
        let operation = &self.document["paths"][template][method.to_lowercase()];
        let content = &operation["responses"][status.to_string()]["content"];
        let schema = &content["application/json"]["schema"];
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(schema.is_object(), "{what} is not described: {body}");
        self.fits(schema, &body, &what);
        (status, body)
    }
}

fn concrete(template: &str, id: Uuid) -> String {
    template
        .replace("{id}", &id.to_string())
        .replace("{file}", "index.html")
}

pub(super) async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Response<Bytes> {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("{}{path}", client.address()))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body).into())
        .unwrap();
    client.exchange(request).await.unwrap()
}

#[tokio::test]
async fn the_document_names_exactly_the_routes_that_there_are() {
    let described = Described::new().await;
    let anybody = described.server.admin.with_token("").unwrap();
    let operations = described.operations();
    let templates: BTreeSet<_> = operations.iter().map(|(_, path, _)| *path).collect();
    assert!(templates.len() > 10, "{templates:?}");
    let mut strangers = BTreeSet::new();
    for template in templates {
        let path = concrete(template, Uuid::nil());
        let known = |method: &str| {
            operations
                .iter()
                .find(|(m, t, _)| m == method && *t == template)
        };
        let mut allowed: Vec<_> = METHODS
            .into_iter()
            .filter(|method| known(method).is_some())
            .collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.sort_unstable();
        for method in METHODS {
            let answer = send(&described.server.admin, method, &path, None).await;
            let Some((_, _, operation)) = known(method) else {
                assert_eq!(
                    answer.status(),
                    StatusCode::METHOD_NOT_ALLOWED,
                    "{method} {path}"
                );
                assert_eq!(answer.headers()[ALLOW], allowed.join(", "), "{path}");
                continue;
            };
            assert_ne!(
                answer.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            let said = String::from_utf8_lossy(answer.body());
            assert!(!said.contains("no such route"), "{method} {path}: {said}");
            let is_public = operation["security"] == json!([]);
            let answer = send(&anybody, method, &path, None).await;
            assert_eq!(
                answer.status() == StatusCode::UNAUTHORIZED,
                !is_public,
                "{method} {path}"
            );
            if !is_public {
                strangers.insert(answer.body().clone());
            }
        }
    }
    assert_eq!(strangers.len(), 1, "a stranger is told the same everywhere");
    described.stop().await;
}

#[tokio::test]
async fn the_document_is_whole_and_its_examples_fit() {
    let described = Described::new().await;
    let document = &described.document;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(schema).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(
            schema["description"].is_string() || schema["allOf"].is_array(),
            "{name} says nothing"
        );
        if let Some(example) = schema.get("example") {
            described.fits(schema, example, name);
        }
    }
    let mut names = BTreeSet::new();
    for (method, path, operation) in described.operations() {
        let what = format!("{method} {path}");
        assert!(
            names.insert(operation["operationId"].as_str().unwrap()),
            "{what}"
        );
        for field in ["summary", "description"] {
            assert!(operation[field].is_string(), "{what} has no {field}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let what = format!("{what}: {}", parameter["name"]);
            assert!(parameter["description"].is_string(), "{what}");
            if parameter["in"] == "query" {
                described.fits(&parameter["schema"], &parameter["example"], &what);
            }
        }
        if let Some(body) = operation.get("requestBody") {
            let mut kinds = body["content"].as_object().unwrap().values();
            let schema = &kinds.next().unwrap()["schema"];
            let component = schema["$ref"].as_str().unwrap().trim_start_matches('#');
            assert!(
                document.pointer(component).unwrap()["example"].is_object(),
                "{what}"
            );
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].is_string(), "{what}: {status}");
            if status.as_str() >= "400" && path != "/readyz" {
                let schema = &response["content"]["application/json"]["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/Error",
                    "{what}: {status}"
                );
            }
        }
    }
    described.stop().await;
}

#[tokio::test]
async fn every_parameter_of_a_query_is_understood_and_no_other() {
    let described = Described::new().await;
    let mut understood = 0;
    for (method, path, operation) in described.operations() {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let queries: Vec<_> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .collect();
        let ask = async |name: &str, value: &str| {
            let path = format!("{}?{name}={value}", concrete(path, Uuid::nil()));
            send(&described.server.admin, &method, &path, None)
                .await
                .status()
        };
        for parameter in &queries {
            let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
            let value = example
                .as_str()
                .map_or_else(|| example.to_string(), str::to_owned);
            let status = ask(name, &value).await;
            assert_ne!(status, StatusCode::BAD_REQUEST, "{path}?{name}={value}");
            understood += 1;
        }
        if !queries.is_empty() {
            assert_eq!(
                ask("colour", "red").await,
                StatusCode::BAD_REQUEST,
                "{path}"
            );
        }
    }
    assert!(understood > 20, "{understood}");
    described.stop().await;
}

/// Who asks, what, with which id, and the status of the answer; then the body. A name in capitals stands for its id.
const ASKED: &str = r#"
admin GET /healthz NIL 200
admin GET /readyz NIL 200
admin GET /api/v1/openapi.json NIL 200
ada GET /api/v1/agents NIL 200
ada GET /api/v1/agents/{id} CHO 200
ada GET /api/v1/agents/{id} NIL 404
ada POST /api/v1/agents NIL 403 {}
admin POST /api/v1/agents NIL 400 {"colour": "red"}
admin POST /api/v1/agents NIL 409 {"name": "cho", "id": "CHO"}
ada GET /api/v1/communications NIL 200
ben GET /api/v1/communications/{id} LOGGED 200
eve GET /api/v1/communications/{id} LOGGED 404
eve POST /api/v1/communications NIL 403 {"sender_id": "CHO", "receiver_id": "CHO", "message_content": "x"}
ada GET /api/v1/meetings NIL 200
eve GET /api/v1/meetings/{id} MEETING 403
eve POST /api/v1/meetings/{id}/start MEETING 403
ada POST /api/v1/meetings/{id}/pause MEETING 409
eve POST /api/v1/meetings/{id}/join MEETING 200
ada POST /api/v1/meetings/{id}/start MEETING 200 {}
ada POST /api/v1/meetings/{id}/pause MEETING 200
ada GET /api/v1/meetings/{id} MEETING 200
ada POST /api/v1/meetings/{id}/resume MEETING 200
ben GET /api/v1/meetings/{id}/events MEETING 200
admin POST /api/v1/meetings/{id}/cancel MEETING 200 {"reason": "rain"}
ada GET /api/v1/meetings/{id} HELD 200
ada GET /api/v1/meetings/{id}/events HELD 200
ada GET /api/v1/decisions NIL 200
ada GET /api/v1/decisions/{id} DECISION 200
eve GET /api/v1/decisions/{id} DECISION 403"#;

#[tokio::test]
async fn answers_are_as_they_are_described() {
    let described = Described::new().await;
    let server = &described.server;
    let [ada, ben, eve] = server.agents(["ada", "ben", "eve"]).await;
    let new = json!({"name": "cho", "model": "m-1", "metadata": {"team": ["x"]}});
    let logged = message(&ada, &ben, "we should meet", Some("tea"));
    let wanted = json!({"topic": "tea", "participant_ids": [ada.id, ben.id], "decision_rule": {"rule": "majority"}});
    let make = async |client: &Client, path: &str, body: Value| {
        let (status, made) = described
            .asks(client, "POST", path, Uuid::nil(), Some(body))
            .await;
        assert_eq!(status, 201, "{path}");
        made["id"].as_str().unwrap().parse::<Uuid>().unwrap()
    };
    let cho = make(&server.admin, AGENTS, new).await;
    let logged = make(&ada.client, COMMUNICATIONS, logged).await;
    let meeting = make(&ada.client, MEETINGS, wanted).await;
    let held = server
        .meeting(&[&ada, &ben], json!({"start": "when_all_joined"}))
        .await;
    logs([ada.attend(held, agreeable()), ben.attend(held, agreeable())]).await;
    over(&ada.client, held).await;
    let decision = server.admin.decision_of(held).await.unwrap().unwrap();
    let decision = decision["id"].as_str().unwrap().parse().unwrap();
    let ids = [
        ("NIL", Uuid::nil()),
        ("CHO", cho),
        ("LOGGED", logged),
        ("MEETING", meeting),
        ("HELD", held),
        ("DECISION", decision),
    ];
    let clients = [
        ("admin", &server.admin),
        ("ada", &ada.client),
        ("ben", &ben.client),
        ("eve", &eve.client),
    ];
    for line in ASKED.lines().skip(1) {
        let parts: Vec<_> = line.splitn(6, ' ').collect();
        let [who, method, template, id, expected] = parts[..5] else {
            panic!("{line}");
        };
        let client = clients.iter().find(|(name, _)| *name == who).unwrap().1;
        let id = ids.iter().find(|(name, _)| *name == id).unwrap().1;
        let body = parts
            .get(5)
            .map(|body| serde_json::from_str(&body.replace("CHO", &cho.to_string())).unwrap());
        let (status, said) = described.asks(client, method, template, id, body).await;
        assert_eq!(status.to_string(), expected, "{line}: {said}");
    }
    described.stop().await;
}

#[tokio::test]
async fn the_page_comes_whole_from_this_server() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let anybody = server.admin.with_token("").unwrap();
    let moved = send(&anybody, "GET", "/docs", None).await;
    assert_eq!(moved.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.headers()[LOCATION], "docs/");
    let page = send(&anybody, "GET", "/docs/", None).await;
    let html = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(
        page.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        !html.contains("//cdn") && !html.contains("https://"),
        "{html}"
    );
    let files = html
        .split(['"', '\''])
        .filter_map(|part| part.strip_prefix("./"));
    let files: BTreeSet<_> = files.collect();
    assert!(files.len() >= 3, "{files:?}");
    for name in files {
        let file = send(&anybody, "GET", &format!("/docs/{name}"), None).await;
        assert_eq!(file.status(), StatusCode::OK, "{name}");
        assert!(
            file.headers()[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("default-src 'self'")
        );
    }
    let script = send(&anybody, "GET", "/docs/swagger-initializer.js", None).await;
    let script = String::from_utf8_lossy(script.body()).into_owned();
    assert!(script.contains("../api/v1/openapi.json"), "{script}");
    let none = send(&anybody, "GET", "/docs/none.js", None).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}
