//! The `synod` program; what it can do is said in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    synod::cli::run(std::env::args_os())
}
