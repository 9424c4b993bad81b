//! Reads source files and finds things among their tokens.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One source file, by its path from the root of the repository.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    tokens: TokenStream,
}

pub(crate) struct Violation {
    pub(crate) line: usize,
    pub(crate) what: String,
}

pub(crate) struct Word {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = text
            .parse()
            .unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        Self {
            path: path.into(),
            text: text.into(),
            tokens,
        }
    }

    /// The room this file is in; `lib.rs` and `main.rs` stand outside all rooms.
    pub(crate) fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?.trim_end_matches(".rs");
        (!["lib", "main"].contains(&room)).then_some(room)
    }

    /// How many modules deep the file is: `super` written that often reaches the root of the crate.
    fn depth(&self) -> usize {
        self.path.matches('/').count() - usize::from(self.path.ends_with("/mod.rs"))
    }
}

impl Word {
    fn new(tree: &TokenTree) -> Self {
        Self {
            line: tree.span().start().line,
            text: tree.to_string(),
        }
    }

    pub(crate) fn violates(&self, what: &str, rule: &str) -> Violation {
        Violation {
            line: self.line,
            what: format!("`{what}`, but {rule}"),
        }
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All sources of the folders, in order of their paths.
pub(crate) fn sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        read_folder(folder, &mut sources);
    }
    sources
}

fn read_folder(folder: &str, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return;
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            read_folder(&path, sources);
        } else if Path::new(&path)
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            let text = fs::read_to_string(root().join(&path)).expect("a source file is readable");
            sources.push(Source::new(&path, &text));
        }
    }
}

/// The first names of all paths that lead through the root of the crate: `crate::name`, and as many
/// `super::` as there are modules above.
pub(crate) fn paths_from_the_root(source: &Source) -> Vec<Word> {
    let mut found = Vec::new();
    root_paths(source.tokens.clone(), source.depth(), &mut found);
    found
}

/// The name of every function that has a body, and how many lines it takes.
pub(crate) fn functions(source: &Source) -> Vec<(Word, usize)> {
    let mut found = Vec::new();
    function_sizes(source.tokens.clone(), &mut found);
    found
}

/// The names that follow `mod`.
pub(crate) fn modules(source: &Source) -> Vec<Word> {
    let words = identifiers(source);
    let follows_mod = words.iter().map(|word| word.text == "mod");
    let follows_mod: Vec<bool> = std::iter::once(false).chain(follows_mod).collect();
    let named = words.into_iter().zip(follows_mod);
    named
        .filter_map(|(word, is_name)| is_name.then_some(word))
        .collect()
}

/// Every word of the source that is not in a comment or a literal, keywords included.
pub(crate) fn identifiers(source: &Source) -> Vec<Word> {
    let mut found = Vec::new();
    words(source.tokens.clone(), &mut found);
    found
}

/// `depth` is that of the module that `tokens` stand in.
fn root_paths(tokens: TokenStream, depth: usize, found: &mut Vec<Word>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        let starts_a_path =
            at < 2 || !is_punct(&trees[at - 1], ':') || !is_punct(&trees[at - 2], ':');
        match tree {
            TokenTree::Ident(word) if starts_a_path && word == "crate" => {
                follow(&trees[at + 1..], 0, found);
            }
            TokenTree::Ident(word) if starts_a_path && word == "super" && depth > 0 => {
                follow(&trees[at + 1..], depth - 1, found);
            }
            TokenTree::Group(group) => {
                let is_module = at >= 2 && is_word(&trees[at - 2], "mod") && is_brace(group);
                root_paths(group.stream(), depth + usize::from(is_module), found);
            }
            _ => {}
        }
    }
}

/// Goes on after `crate` or `super`, standing `above` modules below the root of the crate.
fn follow(rest: &[TokenTree], above: usize, found: &mut Vec<Word>) {
    match rest {
        [renamed, ..] if above == 0 && is_word(renamed, "as") => found.push(Word::new(renamed)),
        [one, two, TokenTree::Group(group), ..] if is_punct(one, ':') && is_punct(two, ':') => {
            let trees: Vec<TokenTree> = group.stream().into_iter().collect();
            trees
                .split(|tree| is_punct(tree, ','))
                .for_each(|path| land(path, above, found));
        }
        [one, two, path @ ..] if is_punct(one, ':') && is_punct(two, ':') => {
            land(path, above, found);
        }
        _ => {}
    }
}

fn land(path: &[TokenTree], above: usize, found: &mut Vec<Word>) {
    match path {
        [first, ..] if above == 0 => found.push(Word::new(first)),
        [first, rest @ ..] if is_word(first, "super") => follow(rest, above - 1, found),
        _ => {}
    }
}

fn function_sizes(tokens: TokenStream, found: &mut Vec<(Word, usize)>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        if let TokenTree::Group(group) = tree {
            function_sizes(group.stream(), found);
        }
        let [keyword, name @ TokenTree::Ident(_), signature @ ..] = &trees[at..] else {
            continue;
        };
        if !is_word(keyword, "fn") {
            continue;
        }
        let end = signature.iter().find_map(|tree| match tree {
            TokenTree::Group(group) if is_brace(group) => Some(Some(group.span_close().end().line)),
            tree if is_punct(tree, ';') => Some(None),
            _ => None,
        });
        if let Some(Some(end)) = end {
            let name = Word {
                line: keyword.span().start().line,
                text: name.to_string(),
            };
            let lines = end + 1 - name.line;
            found.push((name, lines));
        }
    }
}

fn words(tokens: TokenStream, found: &mut Vec<Word>) {
    for tree in tokens {
        match &tree {
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Ident(_) => found.push(Word::new(&tree)),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn is_word(tree: &TokenTree, text: &str) -> bool {
    matches!(tree, TokenTree::Ident(word) if word == text)
}

fn is_punct(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_brace(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}
