//! `synod demo`: a meeting, live in the terminal.

use clap::Args;

/// See a meeting.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {}

const EXAMPLES: &str = "\
Examples:
  synod demo";

impl Demo {
    #[expect(clippy::unused_async, reason = "a stub")]
    pub(super) async fn run(self) -> anyhow::Result<()> {
        anyhow::bail!("comes next")
    }
}
