//! Each check is shown a small source that breaks its rule, so that it is known to be able to fail.

use super::*;

/// How often `text` at `path` breaks `rule`.
fn count(rule: impl Fn(&Source) -> Vec<Violation>, path: &str, text: &str) -> usize {
    check(rule, &Source::new(path, text)).len()
}

#[test]
fn a_broken_rule_is_told_with_its_sentence_and_line() {
    let source = Source::new("src/domain/x.rs", "//! X.\n\nuse crate::wire::Frame;");
    let told = format!("src/domain/x.rs:3: `crate::wire`, but {}", ROOMS[0]);
    assert_eq!(check(foreign_imports, &source), [told]);
    assert!(ROOMS[0].starts_with("domain imports nothing"));
}

#[test]
fn foreign_imports_are_seen_in_whatever_form() {
    for (room, text) in [
        ("domain/x", "use crate::{ids, wire::{Frame, close_code}};"),
        ("wire/x", "use crate::{domain::Event, storage};"),
        ("wire/x", "fn f(now: crate::clock::Clock) {}"),
        ("storage/x", "fn f() { print!(\"{}\", crate::wire::NAME); }"),
        ("storage/x", "#[from(crate::actors::Error)] struct S;"),
        ("topics/mod", "use super::domain::Event;"),
        ("topics/x", "mod y { use super::super::super::wire; }"),
        ("topics/x", "use super::{super::domain::Event, y};"),
        ("clock", "mod tests { use super::super::config; }"),
        ("client/x", "use crate as everything;"),
        ("client/x", "use crate::*;"),
        ("cli/x", "use crate::Frame;"),
        ("lounge/mod", "//! A room that is not in the table."),
    ] {
        let found = count(foreign_imports, &format!("src/{room}.rs"), text);
        assert_ne!(found, 0, "{room}: {text}");
    }
}

#[test]
fn allowed_imports_are_left_alone() {
    for (room, text) in [
        ("wire/mod", "use crate::{domain::Event, wire::Frame};"),
        ("server", "use crate::{cli, transport};"),
        ("storage/x", "use crate::clock::Clock;"),
        ("lib", "pub use crate::wire::Frame;"),
        ("topics/x", "use crate::topics::words;"),
        ("topics/x", "use super::words;"),
        ("topics/x", "mod tests { use super::super::words; }"),
        ("topics/x", "pub(crate) fn f() {} pub(super) fn g() {}"),
        (
            "topics/x",
            "// crate::wire\nconst X: &str = \"crate::wire\";",
        ),
    ] {
        let found = count(foreign_imports, &format!("src/{room}.rs"), text);
        assert_eq!(found, 0, "{room}: {text}");
    }
}

#[test]
fn every_sentence_names_rooms() {
    for sentence in ROOMS {
        let (_, rest) = sentence.split_once(" imports ").unwrap();
        let (list, _why) = rest.split_once(": ").unwrap();
        for item in list.split(", ") {
            let known = ["nothing", "everything", "the leaves"].contains(&item);
            assert!(known || sentence_of(item).is_some(), "{item}: {sentence}");
        }
    }
}

#[test]
fn long_files_are_found() {
    let file = |lines| count(long_file, "src/cli/x.rs", &"\n".repeat(lines));
    assert_eq!(file(MAX_FILE_LINES), 0);
    assert_eq!(file(MAX_FILE_LINES + 1), 1);
}

#[test]
fn long_functions_are_found_wherever_they_stand() {
    let found = |text: &str| count(long_functions, "tests/x.rs", text);
    let body = |lines| format!("{{{}}}", "\n".repeat(lines - 1));
    let short = body(MAX_FUNCTION_LINES);
    let long = body(MAX_FUNCTION_LINES + 1);
    assert_eq!(found(&format!("/// Doc.\n#[test]\nfn f() {short}")), 0);
    assert_eq!(found(&format!("fn f() {long}")), 1);
    assert_eq!(found(&format!("impl S {{ async fn f() {long} }}")), 1);
    assert_eq!(found(&format!("proptest! {{ fn f() {long} }}")), 1);
    assert_eq!(found(&format!("trait T {{ fn f(); }}\nmod m {long}")), 0);
}

#[test]
fn empty_names_are_found() {
    let found = |path, text| count(empty_names, path, text);
    assert_eq!(found("src/wire/utils.rs", ""), 1);
    assert_eq!(found("tests/common/mod.rs", ""), 1);
    assert_eq!(found("src/wire/frame.rs", "mod event_handler {}"), 1);
    assert_eq!(found("src/wire/frame.rs", "use warp::service;"), 0);
}

#[test]
fn undocumented_rooms_are_found() {
    let found = |path, text| count(undocumented_room, path, text);
    assert_eq!(found("src/wire/mod.rs", "use std::fmt;\n"), 1);
    assert_eq!(found("src/clock.rs", "\n//! Late."), 1);
    assert_eq!(found("src/clock.rs", "//! The time.\n"), 0);
    assert_eq!(found("src/wire/frame.rs", ""), 0);
}

#[test]
fn impure_words_are_found() {
    let found = |path, text| count(impure_words, path, text);
    assert_eq!(found("src/domain/x.rs", "#[derive(serde::Serialize)]"), 1);
    assert_eq!(
        found("src/domain/x.rs", "use std::time::{self, Instant};"),
        1
    );
    assert_eq!(found("src/topics/x.rs", "pub async fn f() {}"), 1);
    assert_eq!(found("src/topics/x.rs", "/// Not async.\nfn f() {}"), 0);
    assert_eq!(found("src/storage/x.rs", "async fn f() {}"), 0);
}

#[test]
fn tests_that_would_never_run_are_found() {
    let manifest = "[[test]]\nname = \"ws\"\npath = \"tests/main.rs\"\n";
    let found = |path| {
        count(
            |source| never_run(source, manifest, "mod rest;\n"),
            path,
            "",
        )
    };
    assert_eq!(found("tests/lost.rs"), 1);
    assert_eq!(found("benches/rest_of_it.rs"), 1);
    assert_eq!(found("tests/rest.rs"), 0);
    assert_eq!(found("tests/ws.rs"), 0);
    assert_eq!(found("tests/main.rs"), 0);
    assert_eq!(found("tests/support/mod.rs"), 0);
}
