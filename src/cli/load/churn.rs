//! Meetings whose agents lose their connections, and come back.

use clap::Args;

use super::Bench;
use super::meetings::Meetings;

/// Hold meetings whose agents drop their connections when they are asked, and resume.
#[derive(Args)]
pub(super) struct Churn {
    #[command(flatten)]
    meetings: Meetings,
    /// How often an agent that is asked drops its connection, half of them instead of answering and half before the answer is
    /// acknowledged, and comes back.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=90))]
    drop_percent: u8,
}

impl Churn {
    pub(super) async fn play(mut self, bench: &Bench) -> anyhow::Result<()> {
        self.meetings.talk.drop_percent = self.drop_percent;
        self.meetings.play(bench).await
    }
}
