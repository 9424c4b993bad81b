use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::*;

/// The limits that may be 0, and what that means.
const ZERO: [(&str, &str); 2] = [
    (
        "frames_refused_max",
        "the first frame over its rate closes its socket",
    ),
    (
        "meeting_restarts_max",
        "a meeting that fails is marked so at once",
    ),
];

fn limits() -> Command {
    Limits::augment_args(Command::new("limits").no_binary_name(true))
}

/// What is said of a limit that is set so; nothing if it may be.
fn refused(limit: &Arg, value: u64) -> Option<String> {
    let flag = limit.get_long().unwrap();
    let given = limits().try_get_matches_from([format!("--{flag}={value}")]);
    let error = given.err()?;
    assert_eq!(
        (error.kind(), error.exit_code()),
        (ErrorKind::ValueValidation, 2)
    );
    Some(error.to_string())
}

#[test]
fn every_limit_refuses_0_unless_it_means_something() {
    let mut taken = Vec::new();
    for limit in limits().get_arguments() {
        match refused(limit, 0) {
            Some(said) => assert!(said.contains(": 0 is not in "), "{said}"),
            None => taken.push(limit.get_id().to_string()),
        }
    }
    let (known, _): (Vec<_>, Vec<_>) = ZERO.into_iter().unzip();
    assert_eq!(taken, known);
}

#[test]
fn no_limit_is_beyond_what_the_server_reckons_with() {
    for limit in limits().get_arguments() {
        let said = refused(limit, u64::MAX);
        let said = said.unwrap_or_else(|| panic!("{} has no most", limit.get_id()));
        let (_, range) = said.split_once(" is not in ").unwrap();
        let (least, most) = range.trim().split_once("..=").unwrap();
        let most = most.split_whitespace().next().unwrap();
        let bounds = [least, most].map(|bound| bound.parse::<u64>().unwrap());
        for bound in bounds {
            assert_eq!(refused(limit, bound), None);
        }
        assert!(refused(limit, bounds[1] + 1).is_some());
        if let Some(below) = bounds[0].checked_sub(1) {
            assert!(refused(limit, below).is_some());
        }
    }
}

#[test]
fn the_largest_of_all_limits_can_be_reckoned_with() {
    let most = |limit: &Arg| {
        let said = refused(limit, u64::MAX).unwrap();
        let (_, most) = said.split_once("..=").unwrap();
        let most = most.split_whitespace().next().unwrap();
        format!("--{}={most}", limit.get_long().unwrap())
    };
    let flags: Vec<_> = limits().get_arguments().map(most).collect();
    let matches = limits().try_get_matches_from(flags).unwrap();
    let limits = <Limits as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
    assert_eq!(limits.message_max_bytes(), MOST_BYTES);
    assert_eq!(
        Limits::ms(limits.ping_interval_ms),
        Duration::from_hours(24)
    );
}
