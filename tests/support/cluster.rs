//! A PostgreSQL of a test's own, which it may stop, kill and start again.

use std::env;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::{Connection, PgConnection};
use synod::storage::Database;
use tempfile::TempDir;

use super::patience::eventually;

/// The directory of `initdb` and `postgres`.
const BIN: &str = "SYNOD_TEST_POSTGRES_BIN";

/// A running PostgreSQL with one empty database; gone, with all it kept, when this is dropped.
pub(crate) struct Cluster {
    home: TempDir,
    port: u16,
    server: Child,
}

impl Cluster {
    /// Makes one, on a free port.
    pub(crate) async fn start() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        if let Some(user) = owner() {
            let (uid, gid) = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
            chown(home.path(), uid, gid).expect("root may give a directory away");
        }
        let made = program(&home, "initdb")
            .args(["--pgdata=data", "--auth=trust", "--username=synod"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync"])
            .output();
        let made = made.expect("initdb can be started");
        let why = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb failed: {why}");
        let port = free_port();
        let server = spawn(&home, port);
        let mut cluster = Self { home, port, server };
        cluster.answers().await;
        cluster
    }

    /// Its port, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its database.
    pub(crate) fn database(&self) -> Database {
        Database::Postgres(url(self.port))
    }

    /// Ends it in good order, whoever is connected.
    pub(crate) async fn stop(&mut self) {
        self.end(Signal::SIGINT).await;
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.end(Signal::SIGKILL).await;
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.server = spawn(&self.home, self.port);
        self.answers().await;
    }

    async fn end(&mut self, signal: Signal) {
        send(&self.server, signal);
        let server = tokio::sync::Mutex::new(&mut self.server);
        eventually("PostgreSQL has ended", || async {
            server.lock().await.try_wait().expect("its status")
        })
        .await;
    }

    /// Waits until it answers. Where processes of the one before are still there, it gives up at first, and is started anew.
    async fn answers(&mut self) {
        let (home, url) = (&self.home, url(self.port));
        let (port, server) = (self.port, tokio::sync::Mutex::new(&mut self.server));
        eventually("PostgreSQL answers", || async {
            let mut server = server.lock().await;
            if server.try_wait().expect("its status").is_some() {
                **server = spawn(home, port);
            }
            PgConnection::connect(&url).await.ok()?.close().await.ok()
        })
        .await;
    }
}

/// At once, and all its processes with it.
impl Drop for Cluster {
    fn drop(&mut self) {
        if let Ok(None) = self.server.try_wait() {
            send(&self.server, Signal::SIGQUIT);
            // It ends its processes itself, and waits for none of them longer than five seconds.
            drop(self.server.wait());
        }
    }
}

fn url(port: u16) -> String {
    format!("postgres://synod@127.0.0.1:{port}/postgres")
}

fn send(server: &Child, signal: Signal) {
    let pid = i32::try_from(server.id()).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("a signal can be sent");
}

/// Nobody cuts the power here, so nothing has to reach the disk. All shared memory is in its directory or ends with it.
fn spawn(home: &TempDir, port: u16) -> Child {
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "dynamic_shared_memory_type=mmap",
        "fsync=off",
    ];
    let mut command = program(home, "postgres");
    command.args(["-D", "data", "-p", &port.to_string()]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.spawn().expect("postgres can be started")
}

/// One of PostgreSQL's programs, in this directory, as a user whom it accepts: it does not run as root.
fn program(home: &TempDir, name: &str) -> Command {
    let mut command = Command::new(bin().join(name));
    command
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(user) = owner() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

fn bin() -> PathBuf {
    let bin = env::var_os(BIN).unwrap_or_else(|| {
        panic!("{BIN} is not set: run the tests with `scripts/test`, which finds PostgreSQL's programs for them")
    });
    let bin = Path::new(&bin).to_owned();
    assert!(
        bin.join("initdb").exists(),
        "{BIN} must name the directory of initdb and postgres, and {} has none",
        bin.display()
    );
    bin
}

/// Whose it is to be, where that is somebody else.
fn owner() -> Option<User> {
    if !geteuid().is_root() {
        return None;
    }
    let known = |name| User::from_name(name).ok().flatten();
    let user = known("postgres").or_else(|| known("nobody"));
    Some(user.expect("a user without rights for PostgreSQL, which does not run as root"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
