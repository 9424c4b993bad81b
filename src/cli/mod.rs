//! The command line: one file per subcommand, and the settings they share.
//!
//! Each subcommand is a struct that clap fills and a `run` that does it. A setting is defined once, in
//! [`crate::config`]; [`settings`] puts the values of the TOML file under it as clap's defaults, so that
//! flag, environment, file and default come in this order and one parser checks them all.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage. What a program may want to read goes to stdout, what
//! people want to know goes to stderr.
//!
//! What is deliberately absent: what the commands do. The server is put together in
//! [`crate::server`], the demo speaks to it through [`crate::client`] as anybody would.
//!
//! Start with [`run`].

mod demo;
mod load;
mod migrate;
mod remote;
mod serve;
pub mod settings;
mod stage;
mod stop;
mod teller;
mod token;
mod topics;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// A server where AI agents meet: they discuss in turns, vote, and what they decide is kept.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    /// Settings as TOML: keys are named as the flags of `serve`, with _ for -. A flag and the environment come first.
    #[arg(long, global = true, env = "SYNOD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Serve(Box<serve::Serve>),
    Demo(demo::Demo),
    Load(load::Load),
    Migrate(migrate::Migrate),
    Token(token::Token),
    Topics(topics::Topics),
}

const EXAMPLES: &str = "\
Examples:
  synod demo                             see a meeting, nothing to set up
  synod serve                            a server with an embedded database in ./synod-data
  synod serve --config synod.toml        with settings from a file
  synod token create Ada                 a token for an agent
  synod topics                           what the agents should meet about
  synod load --spawn meetings            what this machine can do";

/// Does what the arguments say; the first is the program's own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::read(args) {
        Ok(cli) => cli,
        Err(wrong) => return wrong.report(),
    };
    match cli.start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// Reads the arguments, the environment, and the file that one of them names.
    ///
    /// # Errors
    /// [`Wrong`] if any of them makes no sense.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, Wrong> {
        let args: Vec<OsString> = args.into_iter().collect();
        let cli = Self::from_matches(command(), &args)?;
        let Some(path) = &cli.config else {
            return Ok(cli);
        };
        let file = settings::File::read(path).map_err(Wrong::Settings)?;
        Ok(Self::from_matches(file.defaults_of(command()), &args)?)
    }

    fn from_matches(command: clap::Command, args: &[OsString]) -> Result<Self, clap::Error> {
        let matches = command.try_get_matches_from(args)?;
        Self::from_arg_matches(&matches)
    }

    fn start(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match self.task {
                Task::Serve(serve) => serve.run().await,
                Task::Demo(demo) => demo.run().await,
                Task::Load(load) => load.run().await,
                Task::Migrate(migrate) => migrate.run().await,
                Task::Token(token) => token.run().await,
                Task::Topics(topics) => topics.run().await,
            }
        })
    }
}

/// Every subcommand with its arguments.
pub fn command() -> clap::Command {
    // What a group has in common may stand before or behind the one that is chosen.
    let shared = |group: clap::Command| group.mut_args(|arg| arg.global(true));
    Cli::command()
        .mut_subcommand("migrate", shared)
        .mut_subcommand("token", shared)
        .mut_subcommand("topics", shared)
}

/// Wrong usage.
#[derive(Debug)]
pub enum Wrong {
    /// The arguments or the environment; or no fault at all, but a wish for help.
    Usage(clap::Error),
    /// The settings file.
    Settings(anyhow::Error),
}

impl Wrong {
    fn report(&self) -> ExitCode {
        match self {
            Self::Usage(usage) => {
                // Nobody is left to tell if this fails.
                let _ = usage.print();
                ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
            }
            Self::Settings(error) => {
                report(error);
                ExitCode::from(2)
            }
        }
    }
}

impl From<clap::Error> for Wrong {
    fn from(usage: clap::Error) -> Self {
        Self::Usage(usage)
    }
}

/// Writes one line to stdout, for a program to read.
fn tell(line: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}

/// Where a server's dashboard shows a meeting.
fn dashboard(server: &str, meeting: impl std::fmt::Display) -> String {
    format!("{server}/#meeting/{meeting}")
}

/// Tells an error and what lies below it, each thing once.
fn report(error: &anyhow::Error) {
    let mut said = error.to_string();
    anstream::eprintln!("{} {said}", owo_colors::OwoColorize::red(&"error:"));
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            anstream::eprintln!("  because: {cause}");
            said = cause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_make_sense() {
        command().debug_assert();
    }

    #[test]
    fn every_subcommand_says_what_it_is_for_and_shows_examples() {
        for sub in command().get_subcommands() {
            assert!(sub.get_about().is_some(), "{}", sub.get_name());
            let examples = sub.get_after_help().map(ToString::to_string);
            assert!(
                examples.is_some_and(|text| text.starts_with("Examples:")),
                "{}",
                sub.get_name()
            );
        }
    }

    #[test]
    fn what_a_group_shares_may_stand_on_either_side() {
        for args in [
            ["synod", "token", "--data-dir", "d", "list"],
            ["synod", "token", "list", "--data-dir", "d"],
        ] {
            let cli = Cli::read(args.map(OsString::from)).unwrap();
            let Task::Token(token) = cli.task else {
                panic!("not a token command");
            };
            assert_eq!(token.data().data_dir, PathBuf::from("d"));
        }
    }
}
