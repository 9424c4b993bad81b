//! Every knob and every limit: its unit in its name, its default, its reason.
//!
//! A setting is looked for on the command line, then in the environment, then in the TOML file of
//! `--config` (keys named as the flags, with `_` for `-`), then here. The help texts below are the reference: `synod serve --help` prints them.

mod limits;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub use self::limits::Limits;
use http::Uri;
use http::uri::Authority;

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct Data {
    /// The database: `postgres://user@host/name`, or `sqlite://path`. Without it, an embedded SQLite file in the data directory.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Directory of the embedded database and of the admin token; made if it is missing.
    #[arg(
        long,
        env = "SYNOD_DATA_DIR",
        value_name = "DIR",
        default_value = "synod-data"
    )]
    pub data_dir: PathBuf,
    /// Connections to the database, beside the one that the journal keeps to itself. Ten keep a small machine busy; a database
    /// serves few well-used ones best.
    #[arg(
        long,
        env = "SYNOD_DATABASE_CONNECTIONS_MAX",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub database_connections_max: u32,
}

/// What the server listens on and what it allows.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// Where the data is.
    #[command(flatten)]
    pub data: Data,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "SYNOD_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Do not run pending migrations at start.
    #[arg(long, env = "SYNOD_NO_MIGRATE", value_parser = clap::builder::BoolishValueParser::new())]
    pub no_migrate: bool,
    /// The admin token. Without it one is made at first start and kept in DATA_DIR/admin-token, readable by its owner only.
    #[arg(
        long,
        env = "SYNOD_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub admin_token: Option<String>,
    /// Browser origins whose pages may connect and read answers, such as `https://example.org`, written as a browser sends
    /// them: no path, no wildcard. None by default: agents send no Origin.
    #[arg(
        long,
        env = "SYNOD_ALLOWED_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = origin
    )]
    pub allowed_origins: Vec<String>,
    /// Where agents reach the server, such as `https://synod.example.org`: the address of its sockets that `join` tells is made
    /// of it. Only an operator knows it where a proxy stands in between. Without it what a request asks for is taken, as its
    /// `Host` says, over a connection that is not encrypted.
    #[arg(
        long,
        env = "SYNOD_PUBLIC_URL",
        value_name = "URL",
        value_parser = public_url
    )]
    pub public_url: Option<String>,
    /// A file of word embeddings in the text format of `word2vec` and `GloVe`, by which messages that share no word, but words of near
    /// meaning, are put together when topics are suggested. None by default: it takes memory, and most logs repeat their words.
    #[arg(long, env = "SYNOD_TOPICS_EMBEDDINGS", value_name = "PATH")]
    pub topics_embeddings: Option<PathBuf>,
    /// A statement to the database that takes longer is logged with its time and its text, in which no values stand. What a
    /// person waits for should take less.
    #[arg(
        long,
        env = "SYNOD_SLOW_QUERY_MS",
        value_name = "MS",
        default_value_t = 200
    )]
    pub slow_query_ms: u64,
    /// How the log is written.
    #[arg(long, env = "SYNOD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Pretty)]
    pub log_format: LogFormat,
    /// What is logged, in the syntax of tracing's `EnvFilter`: a level, or levels by module.
    #[arg(
        long,
        env = "SYNOD_LOG",
        value_name = "FILTER",
        default_value = "info,ractor=warn"
    )]
    pub log: String,
    /// What one client may do, and the whole server.
    #[command(flatten)]
    pub limits: Limits,
}

/// Takes an origin that a browser could send (RFC 6454, section 6.2); any other would never match.
fn origin(text: &str) -> Result<String, String> {
    let wanted = "scheme://host or scheme://host:port, such as https://example.org";
    let uri: Uri = text.parse().map_err(|_| format!("an origin is {wanted}"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(format!("an origin is {wanted}"));
    };
    if text != format!("{scheme}://{authority}") || authority.as_str().contains('@') {
        return Err(format!("an origin has nothing but {wanted}"));
    }
    if text != text.to_lowercase() {
        return Err("browsers send their origin in lower case".to_owned());
    }
    if let ("http", Some(80)) | ("https", Some(443)) = (scheme, authority.port_u16()) {
        return Err("browsers leave the port out that their scheme has anyway".to_owned());
    }
    Ok(text.to_owned())
}

/// Takes the URL of a place to which paths can be added; a slash at its end is left out.
fn public_url(text: &str) -> Result<String, String> {
    let wanted = "a public URL is http://host or https://host, with a port and a path if need be, and nothing else";
    let uri: Uri = text.parse().map_err(|_| wanted.to_owned())?;
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority))
            if is_place(authority) && uri.query().is_none() && !text.contains('#') =>
        {
            let path = uri.path().trim_end_matches('/');
            Ok(format!("{scheme}://{authority}{path}"))
        }
        _ => Err(wanted.to_owned()),
    }
}

/// Whether an authority is a host, with a port or without, and names nobody.
pub fn is_place(authority: &Authority) -> bool {
    !authority.host().is_empty() && !authority.as_str().contains('@')
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&origin(text).unwrap_or_else(|reason| reason));
    }

    #[test]
    fn an_origin_is_as_a_browser_sends_it() {
        check("https://a.example", &expect!["https://a.example"]);
        check("http://[::1]:3000", &expect!["http://[::1]:3000"]);
    }

    #[test]
    fn a_public_url_is_a_place_to_which_paths_can_be_added() {
        let check = |text: &str| public_url(text).unwrap_or_else(|reason| reason);
        for (text, place) in [
            ("https://a.example", "https://a.example"),
            ("HTTPS://a.example:8443/", "https://a.example:8443"),
            ("http://[::1]:8080/synod/", "http://[::1]:8080/synod"),
        ] {
            assert_eq!(check(text), place);
        }
        for text in [
            "",
            "a.example",
            "wss://a.example",
            "https://",
            "https://:8080",
            "https://me@a.example",
            "https://a.example/?x",
            "https://a.example/#x",
            "https://a example",
        ] {
            let reason = public_url(text).unwrap_err();
            assert!(reason.starts_with("a public URL is http"), "{text}");
        }
    }

    #[test]
    fn what_no_browser_would_send_is_explained() {
        let form = expect![
            "an origin is scheme://host or scheme://host:port, such as https://example.org"
        ];
        for text in ["*", "null", "", "a.example", "a.example:443", "https://"] {
            check(text, &form);
        }
        let more = expect![
            "an origin has nothing but scheme://host or scheme://host:port, such as https://example.org"
        ];
        for text in [
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://me@a.example",
        ] {
            check(text, &more);
        }
        check(
            "https://A.example",
            &expect!["browsers send their origin in lower case"],
        );
        check(
            "https://a.example:443",
            &expect!["browsers leave the port out that their scheme has anyway"],
        );
    }
}
