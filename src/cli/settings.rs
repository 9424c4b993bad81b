//! The settings file, and settings without a command line.
//!
//! The values of the file become clap's default values. So each setting has one definition, and what
//! is written in the file is checked by the parser of the flag.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Args, FromArgMatches};
use toml::Value;

use crate::config::Server;

/// The values of a settings file: every key is known and every value was understood.
#[derive(Debug)]
pub struct File {
    values: BTreeMap<String, Vec<String>>,
}

/// The variables of the environment that settings are read from, for a server that only its flags may tell anything.
pub(super) fn variables() -> Vec<OsString> {
    let settings = Server::augment_args(clap::Command::new("settings"));
    let variables = settings.get_arguments().filter_map(Arg::get_env);
    variables.map(ToOwned::to_owned).collect()
}

/// Settings from flags alone, over the defaults: the environment and the file have no say.
fn from_flags<T>(flags: impl IntoIterator<Item = T>) -> Result<Server, clap::Error>
where
    T: Into<OsString> + Clone,
{
    let matches = flags_alone()
        .no_binary_name(true)
        .try_get_matches_from(flags)?;
    Server::from_arg_matches(&matches)
}

fn flags_alone() -> clap::Command {
    Server::augment_args(clap::Command::new("settings"))
        .mut_args(|arg| arg.env(None::<&'static str>))
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or as [`parse`](Self::parse).
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let path = path.display();
        let text = std::fs::read_to_string(path.to_string())
            .with_context(|| format!("cannot read the settings file {path}"))?;
        Self::parse(&text).with_context(|| format!("the settings file {path} needs a correction"))
    }

    /// Understands the text of a file.
    ///
    /// # Errors
    /// If it is no TOML, or a key is unknown, or a value is not what its setting takes.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let known = flags_alone();
        let mut values = BTreeMap::new();
        for (key, value) in text.parse::<toml::Table>()? {
            let Some(arg) = known
                .get_arguments()
                .find(|arg| arg.get_id() == key.as_str())
            else {
                bail!("{}", unknown(&key, &known));
            };
            values.insert(key, texts(arg, &value)?);
        }
        Ok(Self { values })
    }

    /// The same command with the values of the file for defaults, in all its subcommands.
    #[must_use]
    pub fn defaults_of(&self, command: clap::Command) -> clap::Command {
        command
            .mut_args(|arg| match self.values.get(arg.get_id().as_str()) {
                Some(values) => arg.default_values(values),
                None => arg,
            })
            .mut_subcommands(|sub| self.defaults_of(sub))
    }
}

fn unknown(key: &str, known: &clap::Command) -> String {
    let ids = known.get_arguments().map(|arg| arg.get_id().as_str());
    let likeness = |id: &&str| strsim::jaro_winkler(key, id);
    let nearest = ids.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let nearest = nearest.unwrap_or_default();
    format!(
        "there is no setting {key:?}: the nearest is {nearest:?}, and `synod serve --help` shows all (write _ for -)"
    )
}

/// A value as it would stand on the command line, once its flag's parser has taken it.
fn texts(arg: &Arg, value: &Value) -> anyhow::Result<Vec<String>> {
    let key = arg.get_id();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        let Value::Boolean(on) = value else {
            bail!("{key} must be true or false");
        };
        return Ok(vec![on.to_string()]);
    }
    let texts = match value {
        Value::Array(many) if matches!(arg.get_action(), ArgAction::Append) => {
            many.iter().map(text).collect()
        }
        one => text(one).map(|text| vec![text]),
    };
    let Some(texts) = texts else {
        bail!("{key} must be one value, or a list of values where the flag may be repeated");
    };
    let flag = arg.get_long().unwrap_or_default();
    let flags = texts.iter().map(|text| format!("--{flag}={text}"));
    if let Err(error) = from_flags(flags) {
        bail!("{key}: {}", reason(&error));
    }
    Ok(texts)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(on.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// What clap has to say, without the usage of a command that nobody typed.
fn reason(error: &clap::Error) -> String {
    let said = error.to_string();
    let lines = said.lines().take_while(|line| !line.is_empty());
    let said: Vec<&str> = lines
        .map(|line| line.trim().trim_start_matches("error: "))
        .collect();
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::config::LogFormat;

    /// What `serve` would get from these flags and this file, in a world without environment.
    fn settings(flags: &[&str], file: &str) -> Server {
        let command = File::parse(file).unwrap().defaults_of(flags_alone());
        let matches = command
            .no_binary_name(true)
            .try_get_matches_from(flags)
            .unwrap();
        Server::from_arg_matches(&matches).unwrap()
    }

    fn check_fault(file: &str, expected: &Expect) {
        expected.assert_eq(&File::parse(file).unwrap_err().to_string());
    }

    #[test]
    fn a_flag_is_over_the_file_and_the_file_over_the_default() {
        let file = "listen = '127.0.0.1:1111'\nmessage_max_mb = 20";
        let settings = settings(&["--listen", "127.0.0.1:2222"], file);
        assert_eq!(settings.listen.port(), 2222);
        assert_eq!(settings.limits.message_max_mb, 20);
        assert_eq!(settings.limits.outbox_max_frames, 1024);
    }

    #[test]
    fn every_shape_of_setting_can_stand_in_the_file() {
        let file = "
            database_url = 'postgres://db/synod'
            no_migrate = true
            allowed_origins = ['https://a.example', 'https://b.example']
            log_format = 'json'
        ";
        let settings = settings(&[], file);
        assert_eq!(
            settings.data.database_url.as_deref(),
            Some("postgres://db/synod")
        );
        assert!(settings.no_migrate);
        assert_eq!(
            settings.allowed_origins,
            ["https://a.example", "https://b.example"]
        );
        assert_eq!(settings.log_format, LogFormat::Json);
    }

    #[test]
    fn one_value_is_a_list_of_one() {
        let settings = settings(&[], "allowed_origins = 'https://a.example'");
        assert_eq!(settings.allowed_origins, ["https://a.example"]);
    }

    #[test]
    fn an_unknown_key_is_told_with_its_nearest_neighbour() {
        check_fault(
            "lisen = '127.0.0.1:1'",
            &expect![[
                r#"there is no setting "lisen": the nearest is "listen", and `synod serve --help` shows all (write _ for -)"#
            ]],
        );
        check_fault(
            "[limits]\nmessage_max_mb = 1",
            &expect![[
                r#"there is no setting "limits": the nearest is "listen", and `synod serve --help` shows all (write _ for -)"#
            ]],
        );
    }

    #[test]
    fn a_value_is_checked_by_the_parser_of_its_flag() {
        check_fault(
            "listen = 8080",
            &expect![
                "listen: invalid value '8080' for '--listen <ADDR>': invalid socket address syntax"
            ],
        );
        check_fault(
            "log_format = 'xml'",
            &expect![
                "log_format: invalid value 'xml' for '--log-format <LOG_FORMAT>' [possible values: pretty, json]"
            ],
        );
        check_fault(
            "rate_per_token_per_s = 0",
            &expect![
                "rate_per_token_per_s: invalid value '0' for '--rate-per-token-per-s <N>': 0 is not in 1..=1000000000"
            ],
        );
        check_fault(
            "allowed_origins = ['https://a.example', 'https://b.example/']",
            &expect![
                "allowed_origins: invalid value 'https://b.example/' for '--allowed-origins <ORIGIN>': an origin has nothing but scheme://host or scheme://host:port, such as https://example.org"
            ],
        );
        check_fault(
            "no_migrate = 'yes'",
            &expect!["no_migrate must be true or false"],
        );
        check_fault(
            "listen = ['127.0.0.1:1', '127.0.0.1:2']",
            &expect![
                "listen must be one value, or a list of values where the flag may be repeated"
            ],
        );
    }

    #[test]
    fn the_file_takes_no_number_that_its_flag_refuses() {
        let known = flags_alone();
        let mut refused = 0;
        for arg in known.get_arguments() {
            let Some(flag) = arg.get_long().filter(|_| arg.get_action().takes_values()) else {
                continue;
            };
            for number in ["-1", "0", "9223372036854775807"] {
                let in_file = File::parse(&format!("{} = {number}", arg.get_id())).is_ok();
                let is_taken = from_flags([format!("--{flag}={number}")]).is_ok();
                assert_eq!(in_file, is_taken, "{flag} {number}");
                refused += usize::from(!is_taken);
            }
        }
        assert!(refused > 60, "the limits alone refuse more than {refused}");
    }

    #[test]
    fn flags_alone_are_enough() {
        let settings = from_flags(["--listen=127.0.0.1:0", "--log=warn"]).unwrap();
        assert_eq!((settings.listen.port(), settings.log.as_str()), (0, "warn"));
    }
}
