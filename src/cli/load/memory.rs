//! The memory of a server that was started for a load, as Linux counts it: what is resident of its process.
//!
//! Of a server that runs elsewhere, or on another system, nothing is known and nothing is told.

use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::{Value, json};

/// Looks at the memory of one process.
pub(super) struct Memory {
    process: Option<u32>,
    at_start: Option<Resident>,
    told: Mutex<Told>,
}

/// What a scenario had told of it on its way.
#[derive(Default)]
struct Told {
    marks: Vec<Mark>,
    per_connection_bytes: Option<u64>,
}

/// A look in between.
#[derive(Clone)]
struct Mark {
    after: u64,
    bytes: u64,
}

/// One look.
#[derive(Clone, Copy)]
struct Resident {
    bytes: u64,
    most_bytes: u64,
}

/// What came of it.
pub(super) struct Usage {
    start_bytes: u64,
    end_bytes: u64,
    most_bytes: u64,
    marks: Vec<Mark>,
    per_connection_bytes: Option<u64>,
}

impl Memory {
    /// Of this process, if there is one to look at.
    pub(super) fn of(process: Option<u32>) -> Self {
        Self {
            process,
            at_start: process.and_then(resident),
            told: Mutex::default(),
        }
    }

    /// What is resident now.
    pub(super) fn bytes(&self) -> Option<u64> {
        Some(resident(self.process?)?.bytes)
    }

    /// Notes what is resident after so many of what the scenario does, or seconds where it counts those.
    pub(super) fn mark(&self, after: u64) {
        if let Some(bytes) = self.bytes() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.marks.push(Mark { after, bytes });
        }
    }

    /// Notes what so many idle connections take, beyond what was resident without them.
    pub(super) fn connected(&self, without: Option<u64>, connections: u64) {
        let with = self.bytes();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.per_connection_bytes = with
            .zip(without)
            .and_then(|(with, without)| with.saturating_sub(without).checked_div(connections));
    }

    /// What came of it; nothing where nothing could be seen.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (start, end) = (self.at_start?, resident(self.process?)?);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Usage {
            start_bytes: start.bytes,
            end_bytes: end.bytes,
            most_bytes: end.most_bytes,
            marks: told.marks.clone(),
            per_connection_bytes: told.per_connection_bytes,
        })
    }
}

impl Usage {
    pub(super) fn to_json(&self) -> Value {
        let mark = |mark: &Mark| json!({"after": mark.after, "bytes": mark.bytes});
        json!({
            "start_bytes": self.start_bytes, "end_bytes": self.end_bytes, "max_bytes": self.most_bytes,
            "marks": self.marks.iter().map(mark).collect::<Vec<_>>(),
            "per_connection_bytes": self.per_connection_bytes,
        })
    }

    /// What it says, a line each, as for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "server memory: {} at the start, {} at the end, {} at most",
            mb(self.start_bytes),
            mb(self.end_bytes),
            mb(self.most_bytes)
        )];
        let marks = self.marks.iter();
        lines.extend(marks.map(|mark| format!("  after {:>8}  {}", mark.after, mb(mark.bytes))));
        if let Some(bytes) = self.per_connection_bytes {
            let kb = bytes as f64 / 1_024.0;
            lines.push(format!("  for each idle connection  {kb:.1} KB"));
        }
        lines
    }

    /// The same for a program: a name and bytes.
    pub(super) fn values(&self) -> Vec<(String, u64)> {
        let mut values = vec![
            ("server_start_bytes".to_owned(), self.start_bytes),
            ("server_end_bytes".to_owned(), self.end_bytes),
            ("server_max_bytes".to_owned(), self.most_bytes),
        ];
        let marks = self.marks.iter();
        values.extend(marks.map(|mark| (format!("server_bytes_after_{}", mark.after), mark.bytes)));
        let per_connection = self.per_connection_bytes;
        values
            .extend(per_connection.map(|bytes| ("server_bytes_per_connection".to_owned(), bytes)));
        values
    }
}

/// Looks on the way of a long load.
pub(super) const MARKS: u64 = 10;

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1_048_576.0)
}

/// See `proc_pid_status(5)`: the second number is the most that ever was.
fn resident(process: u32) -> Option<Resident> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1_024)
    };
    Some(Resident {
        bytes: bytes("VmRSS:")?,
        most_bytes: bytes("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_connections_take_is_what_came_on_top() {
        let memory = Memory::of(Some(std::process::id()));
        let without = memory.bytes();
        let ballast = vec![1_u8; 64 << 20];
        memory.mark(1);
        memory.connected(without, 64);
        let usage = memory.usage().unwrap();
        let per_connection = usage.per_connection_bytes.unwrap();
        assert!(per_connection > 1 << 19, "{per_connection}");
        assert!(usage.most_bytes >= usage.marks[0].bytes);
        drop(ballast);
    }

    #[test]
    fn of_a_server_elsewhere_nothing_is_told() {
        let memory = Memory::of(None);
        memory.mark(1);
        memory.connected(memory.bytes(), 0);
        assert!(memory.usage().is_none());
    }
}
