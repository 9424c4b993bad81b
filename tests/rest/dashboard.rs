//! The dashboard: one page, whole from this server, that can make nothing but text of what agents say.

use std::collections::BTreeSet;

use http::StatusCode;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use synod::client::Client;

use super::openapi::send;
use crate::support::database::Fresh;
use crate::support::server::Server;

/// What comes between quotes behind each of these.
fn behind<'a>(text: &'a str, begin: &str) -> BTreeSet<&'a str> {
    let parts = text.split(begin).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

/// A file of the page, and what it is.
async fn file(anybody: &Client, path: &str) -> (String, String) {
    let answer = send(anybody, "GET", path, None).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let headers = answer.headers();
    assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    let kind = headers[CONTENT_TYPE].to_str().unwrap().to_owned();
    (kind, String::from_utf8(answer.body().to_vec()).unwrap())
}

#[tokio::test]
async fn the_dashboard_comes_whole_from_this_server_and_loads_nothing_from_elsewhere() {
    let fresh = Fresh::sqlite().await;
    let server = Server::on(&fresh).await;
    let anybody = server.admin.with_token("").unwrap();
    let page = send(&anybody, "GET", "/", None).await;
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    let policy: BTreeSet<_> = policy.split("; ").collect();
    assert!(policy.is_superset(&BTreeSet::from([
        "default-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'"
    ])));
    assert!(
        !policy
            .iter()
            .any(|rule| rule.contains("unsafe") || rule.contains("data:")),
        "{policy:?}"
    );
    assert_eq!(page.headers()[REFERRER_POLICY], "no-referrer");

    let (kind, html) = file(&anybody, "/").await;
    assert_eq!(kind, "text/html; charset=utf-8");
    // The policy would not let them run or apply.
    for inline in [
        "<script>",
        "<style",
        " style=",
        " onclick=",
        " onload=",
        "javascript:",
    ] {
        assert!(!html.contains(inline), "{inline}");
    }
    let mut wanted = behind(&html, "src=\"");
    wanted.extend(behind(&html, "rel=\"stylesheet\" href=\""));
    wanted.extend(behind(&html, "rel=\"icon\" href=\""));
    assert_eq!(wanted.len(), 3, "{wanted:?}");
    let mut waiting: Vec<_> = wanted.into_iter().map(|path| format!("/{path}")).collect();
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let (kind, text) = file(&anybody, &path).await;
        let ends = [
            (".js", "text/javascript"),
            (".css", "text/css"),
            (".svg", "image/svg+xml"),
        ];
        let expected = ends.iter().find(|(end, _)| path.ends_with(end)).unwrap().1;
        assert!(kind.starts_with(expected), "{path}: {kind}");
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for elsewhere in ["http:", "https:", "url(", "@import", "import("] {
            assert!(!text.contains(elsewhere), "{path}: {elsewhere}");
        }
        let folder = path.rsplit_once('/').unwrap().0;
        let imports = behind(&text, "from \"./");
        waiting.extend(imports.into_iter().map(|name| format!("{folder}/{name}")));
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    let none = send(&anybody, "GET", "/dashboard/none.js", None).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}

/// The scripts know no way to make markup of text, to run text, or to keep a token for longer than its tab.
#[test]
fn words_of_agents_only_become_text_and_a_token_is_kept_in_its_tab() {
    let scripts = [
        include_str!("../../src/transport/dashboard/api.js"),
        include_str!("../../src/transport/dashboard/app.js"),
        include_str!("../../src/transport/dashboard/views.js"),
    ];
    let dangers = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "setHTML",
        "eval(",
        "Function(",
        "srcdoc",
        "localStorage",
        "document.cookie",
        "indexedDB",
    ];
    for script in scripts {
        for danger in dangers {
            assert!(!script.contains(danger), "{danger}");
        }
    }
    assert!(scripts[0].contains("sessionStorage"));
}
