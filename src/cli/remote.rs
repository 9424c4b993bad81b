//! A server that runs already, for the commands that only talk to one.

use clap::Args;

use crate::client::{Client, Error};

/// Where a server is, if nothing else is said.
const USUAL: &str = "http://127.0.0.1:8080";

/// Which server, and with which token.
#[derive(Args)]
pub(super) struct Remote {
    /// The server.
    #[arg(
        long,
        value_name = "URL",
        default_value = USUAL,
        global = true
    )]
    url: String,
    /// A token that it knows: its admin's, or another's that may do what is asked.
    #[arg(
        long,
        visible_alias = "token",
        value_name = "TOKEN",
        env = "SYNOD_ADMIN_TOKEN",
        hide_env_values = true,
        default_value = "",
        global = true
    )]
    admin_token: String,
}

impl Remote {
    /// The options that lead to this server, as they are given; no token is shown.
    pub(super) fn given(&self) -> String {
        let url = (self.url != USUAL).then(|| format!(" --url {}", self.url));
        url.unwrap_or_default()
    }

    /// The server, seen with the token.
    ///
    /// # Errors
    /// If either cannot be used.
    pub(super) fn client(&self) -> Result<Client, Error> {
        Client::new(&self.url, &self.admin_token)
    }
}
