//! The real program as a process that can be killed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use synod::client::Client;
use synod::storage::Database;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::database::Fresh;
use super::patience::{eventually, within};
use super::server::{ADMIN_TOKEN, ready};

/// `synod serve` on one database and one port, also when it is started again.
pub(crate) struct Process {
    /// As the operator sees it.
    pub(crate) admin: Client,
    place: Place,
    child: Child,
}

/// What stays the same from one start to the next.
struct Place {
    address: SocketAddr,
    database: Database,
    data: tempfile::TempDir,
    flags: &'static [&'static str],
}

impl Process {
    /// Starts the server on a free port.
    pub(crate) async fn serve(fresh: &Fresh) -> Self {
        Self::serve_with(fresh, &[]).await
    }

    /// The same, with these flags.
    pub(crate) async fn serve_with(fresh: &Fresh, flags: &'static [&'static str]) -> Self {
        let database = fresh.database.clone();
        Self::serve_at(database.expect("a database that can be shared"), flags).await
    }

    /// The same, on a database at this address.
    pub(crate) async fn serve_at(database: Database, flags: &'static [&'static str]) -> Self {
        let mut place = Place {
            flags,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            database,
            data: tempfile::tempdir().expect("a directory"),
        };
        let (child, address) = place.start().await.expect("the server starts");
        place.address = address;
        let admin = Client::new(&format!("http://{address}"), ADMIN_TOKEN).expect("an address");
        ready(&admin).await;
        Self {
            admin,
            place,
            child,
        }
    }

    /// Ends the process as a power cut would: nothing is flushed, nothing is said.
    pub(crate) async fn kill(&mut self) {
        let killed = within("the process is dead", self.child.kill()).await;
        killed.expect("the process was there");
    }

    /// What it has in memory.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory()().expect("the process is there")
    }

    /// Tells what it has in memory, as long as it is there.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> impl Fn() -> Option<usize> + Send + 'static {
        let pid = self.child.id().expect("the process is there");
        move || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let resident = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
            let kilobytes: usize = resident?.trim().parse().ok()?;
            Some(kilobytes * 1_024)
        }
    }

    /// Starts it again where it was, and waits until it is ready.
    pub(crate) async fn restart(&mut self) {
        self.start().await;
        ready(&self.admin).await;
    }

    /// Starts it again where it was, up to where it listens.
    pub(crate) async fn start(&mut self) {
        let place = &self.place;
        let started = eventually("the port is free again", || place.start()).await;
        self.child = started.0;
    }

    /// Asks it to stop, as an init system does, and says how it ended.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// How it ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = within("the process has ended", self.child.wait()).await;
        ended.expect("an exit status")
    }

    /// Lets it stand still, as a machine does that swaps, or a container that is frozen.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        let stopped = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED));
        let stopped = stopped.expect("the process is there");
        assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Lets it make no file longer than so many bytes, as on a disk that is full then, or as long as it likes.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
        let own = getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: bytes.or(own.current),
            maximum: own.maximum,
        };
        let pid = Pid::from_raw(self.pid().as_raw());
        prlimit(pid, Resource::Fsize, limit).expect("a limit can be set");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a signal can be sent");
    }

    fn pid(&self) -> Pid {
        let pid = self.child.id().expect("the process is there");
        Pid::from_raw(i32::try_from(pid).expect("a process id"))
    }
}

impl Place {
    /// Starts the program; `None` if it ended before it listened.
    async fn start(&self) -> Option<(Child, SocketAddr)> {
        // A write beyond its limit then fails, as on a full disk, and does not end it.
        let ignores = "trap '' XFSZ; exec \"$0\" \"$@\"";
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", ignores, &program()])
            .env_clear()
            // A flag comes before the environment.
            .env("SYNOD_LOG", "error")
            .args(["serve", "--admin-token", ADMIN_TOKEN])
            .args(["--listen", &self.address.to_string()])
            .args(self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        match &self.database {
            Database::Postgres(url) => command
                .env("DATABASE_URL", url)
                .arg("--data-dir")
                .arg(self.data.path()),
            Database::Sqlite(file) => command.arg("--data-dir").arg(directory(file)),
        };
        let mut child = command.spawn().expect("the program can be started");
        let told = child.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(told).lines();
        let line = within("the program says where it listens", lines.next_line()).await;
        let line = line.expect("its output can be read")?;
        let address = line.strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        Some((
            child,
            address.unwrap_or_else(|| panic!("no address: {line}")),
        ))
    }
}

/// The program under test: the one that was built with the tests, or another build of it.
fn program() -> String {
    let built = env!("CARGO_BIN_EXE_synod");
    std::env::var("SYNOD_TEST_PROGRAM").unwrap_or_else(|_| built.to_owned())
}

/// The embedded database stands in the data directory under a name that the program knows.
fn directory(file: &std::path::Path) -> PathBuf {
    assert!(file.ends_with("synod.db"), "{}", file.display());
    file.parent().expect("a directory").to_owned()
}
