//! The house rules, held by tests: who imports whom, how big things may get, how they are named.
//!
//! To change a rule, change the tables below; the checks after them only read these. They look at
//! the tokens of every source file, so what is written inside macros counts as well.

use std::fs;

#[path = "architecture/failing.rs"]
mod failing;
#[path = "architecture/reading.rs"]
mod reading;

use reading::{Source, Violation, Word};

/// The rooms are the top-level modules of `src`. Each sentence is both the rule and what is said
/// when it is broken; a room may always import itself.
const ROOMS: &[&str] = &[
    "domain imports nothing: it holds the rules alone, without I/O, async or a clock",
    "topics imports nothing: it is pure functions over text",
    "config imports nothing: it is a leaf, its values are passed down",
    "clock imports nothing: it is a leaf, its values are passed down",
    "telemetry imports nothing: it is a leaf, its names are used from above",
    "budget imports the leaves: it counts the memory of readers, whatever they read",
    "wire imports domain, config: it puts the rules into words and knows no socket",
    "storage imports domain, the leaves: it keeps events and tells nobody",
    "actors imports storage, domain, wire, topics, the leaves: it does not know its doors",
    "transport imports actors, storage, domain, wire, topics, the leaves: only the server puts it up",
    "client imports wire, domain, the leaves: it knows of the server what is said on the wire",
    "server imports everything: it puts the house together",
    "cli imports everything: each command uses what it needs",
];

/// What a sentence above means by "the leaves".
const LEAVES: &[&str] = &["config", "clock", "telemetry", "budget"];

/// The most lines a file may have, its tests included.
const MAX_FILE_LINES: usize = 500;

/// The most lines a function may have, from `fn` to the closing brace.
const MAX_FUNCTION_LINES: usize = 70;

/// Names that say nothing about what is inside; no file or module has one of these words in its name.
const EMPTY_NAMES: &[&str] = &["util", "helper", "manager", "handler", "service", "common"];

/// The rooms that must be readable without knowing any of [`IMPURE_WORDS`].
const PURE_ROOMS: &[&str] = &["domain", "topics"];

/// What pure rooms never name: the outside world, the time, and waiting.
const IMPURE_WORDS: &[&str] = &[
    "serde",
    "serde_json",
    "tokio",
    "sqlx",
    "ractor",
    "warp",
    "hyper",
    "tracing",
    "Instant",
    "SystemTime",
    "async",
    "await",
];

/// Where the rules look.
const SOURCE_FOLDERS: &[&str] = &["src", "tests", "benches"];

// ---- The rules, each a test over the whole tree ----

#[test]
fn rooms_import_only_what_the_table_allows() {
    hold(foreign_imports);
}

#[test]
fn files_are_short() {
    hold(long_file);
}

#[test]
fn functions_are_short() {
    hold(long_functions);
}

#[test]
fn names_say_what_is_inside() {
    hold(empty_names);
}

#[test]
fn every_room_says_what_it_is() {
    hold(undocumented_room);
}

#[test]
fn pure_rooms_stay_pure() {
    hold(impure_words);
}

#[test]
fn every_test_and_bench_is_run() {
    let read = |path| fs::read_to_string(reading::root().join(path));
    let manifest = read("Cargo.toml").expect("Cargo.toml is readable");
    let modules = read("tests/main.rs").expect("tests/main.rs is readable");
    hold(|source| never_run(source, &manifest, &modules));
}

/// What a promise names as its proof is there: a test by its name, a file by its path, a limit by its setting.
#[test]
fn every_promise_names_what_shows_it() {
    let promises = fs::read_to_string(reading::root().join("docs/guarantees.md"));
    let promises = promises.expect("docs/guarantees.md is readable");
    let sources = reading::sources(SOURCE_FOLDERS);
    let is_there = |name: &str| {
        let path = reading::root().join(name);
        let said = |source: &Source| source.text.contains(name);
        path.exists() || sources.iter().any(said)
    };
    // Every other piece stands between backticks; shell and what is said is in blocks or has spaces.
    let names = promises.split('`').skip(1).step_by(2);
    let names = names.filter(|name| name.contains('_') || name.starts_with("tests/"));
    let missing: Vec<_> = names
        .filter(|name| !name.contains([' ', '\n']) && !is_there(name))
        .collect();
    assert!(missing.is_empty(), "docs/guarantees.md names {missing:?}");
}

/// Fails with every violation of `rule` in the tree.
fn hold(rule: impl Fn(&Source) -> Vec<Violation>) {
    let sources = reading::sources(SOURCE_FOLDERS);
    let sees_itself = sources.iter().any(|source| source.path == file!());
    assert!(sees_itself, "the sources were not found");
    let broken: Vec<String> = sources
        .iter()
        .flat_map(|source| check(&rule, source))
        .collect();
    assert!(broken.is_empty(), "\n\n{}\n", broken.join("\n"));
}

fn check(rule: impl Fn(&Source) -> Vec<Violation>, source: &Source) -> Vec<String> {
    let told = |broken: Violation| format!("{}:{}: {}", source.path, broken.line, broken.what);
    rule(source).into_iter().map(told).collect()
}

// ---- The checks, each from one source file to what is wrong with it ----

fn foreign_imports(source: &Source) -> Vec<Violation> {
    let Some(name) = source.room() else {
        return Vec::new();
    };
    let Some(sentence) = sentence_of(name) else {
        let what = format!("{name} is no room of this house: say in ROOMS what it may import");
        return vec![Violation { line: 1, what }];
    };
    reading::paths_from_the_root(source)
        .into_iter()
        .filter(|word| word.text != name && !allows(sentence, &word.text))
        .map(|word| word.violates(&format!("crate::{}", word.text), sentence))
        .collect()
}

fn sentence_of(room: &str) -> Option<&'static str> {
    let is_its_own = |sentence: &&str| sentence.split(' ').next() == Some(room);
    ROOMS.iter().copied().find(is_its_own)
}

fn allows(sentence: &str, other: &str) -> bool {
    let imports = sentence
        .split_once(" imports ")
        .and_then(|(_, rest)| rest.split_once(':'));
    let (list, _why) = imports.expect("a sentence reads: ROOM imports ROOM, ROOM: WHY");
    let listed = list.split(", ").any(|item| match item {
        "everything" => true,
        "the leaves" => LEAVES.contains(&other),
        room => room == other,
    });
    listed && sentence_of(other).is_some()
}

fn long_file(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().count();
    if lines <= MAX_FILE_LINES {
        return Vec::new();
    }
    let what =
        format!("a file has at most {MAX_FILE_LINES} lines with its tests, this one has {lines}");
    vec![Violation {
        line: MAX_FILE_LINES + 1,
        what,
    }]
}

fn long_functions(source: &Source) -> Vec<Violation> {
    reading::functions(source)
        .into_iter()
        .filter(|(_, lines)| *lines > MAX_FUNCTION_LINES)
        .map(|(name, lines)| {
            let rule =
                format!("a function has at most {MAX_FUNCTION_LINES} lines, this one has {lines}");
            name.violates(&format!("fn {}", name.text), &rule)
        })
        .collect()
}

fn empty_names(source: &Source) -> Vec<Violation> {
    let in_path = source
        .path
        .trim_end_matches(".rs")
        .split('/')
        .map(|text| Word {
            line: 1,
            text: text.into(),
        });
    in_path
        .chain(reading::modules(source))
        .filter(|name| {
            name.text
                .split('_')
                .any(|part| EMPTY_NAMES.contains(&part.trim_end_matches('s')))
        })
        .map(|name| {
            name.violates(
                &name.text,
                &format!("nothing is called {}", EMPTY_NAMES.join(", ")),
            )
        })
        .collect()
}

fn undocumented_room(source: &Source) -> Vec<Violation> {
    let parts: Vec<&str> = source.path.split('/').collect();
    let opens_a_room = matches!(parts[..], ["src", _] | ["src", _, "mod.rs"]);
    if !opens_a_room || source.text.starts_with("//!") {
        return Vec::new();
    }
    let what =
        "a room begins with //! and what it is, what it deliberately does not do, where to start";
    vec![Violation {
        line: 1,
        what: what.into(),
    }]
}

fn impure_words(source: &Source) -> Vec<Violation> {
    let Some(room) = source.room().filter(|room| PURE_ROOMS.contains(room)) else {
        return Vec::new();
    };
    let rule = format!(
        "{room} is pure: it names none of {}",
        IMPURE_WORDS.join(", ")
    );
    reading::identifiers(source)
        .into_iter()
        .filter(|word| IMPURE_WORDS.contains(&word.text.as_str()))
        .map(|word| word.violates(&word.text, &rule))
        .collect()
}

/// `autotests` is off, so a file that nobody names would never run, and nobody would notice.
fn never_run(source: &Source, manifest: &str, modules: &str) -> Vec<Violation> {
    let parts: Vec<&str> = source.path.split('/').collect();
    let ["tests" | "benches", file] = parts[..] else {
        return Vec::new();
    };
    let name = file.trim_end_matches(".rs");
    let target = [
        format!("name = \"{name}\""),
        format!("path = \"{}\"", source.path),
    ];
    let module = format!("mod {name};");
    let is_target = manifest
        .lines()
        .any(|line| target.iter().any(|name| name == line));
    if is_target || modules.lines().any(|line| line == module) {
        return Vec::new();
    }
    let what = "a test runs only if tests/main.rs has its `mod`, or Cargo.toml its target";
    vec![Violation {
        line: 1,
        what: what.into(),
    }]
}
