//! Circles among the files of one crate: a file that uses another which, at some distance, uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The files of a crate: the module that each is, and its text.
type Sources = BTreeMap<String, String>;

/// Reads the files below a crate's `src`, tests aside. The root is left out: it is the crate's face and names them all.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn read(src: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    let mut directories = vec![src.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in
            fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let inside = path.strip_prefix(src)?.with_extension("");
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if parts.last().is_some_and(|name| matches!(name.as_str(), "lib" | "main" | "tests")) {
                continue;
            }
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sources.insert(parts.join("::"), text);
        }
    }
    Ok(sources)
}

/// One circle, as the modules in the order in which each uses the next; `None` when there is none.
pub(super) fn find(sources: &Sources) -> Option<Vec<String>> {
    let uses: BTreeMap<&str, BTreeSet<&str>> =
        sources.iter().map(|(module, text)| (module.as_str(), used(sources, module, text))).collect();
    let mut done = BTreeSet::new();
    uses.keys().find_map(|module| walk(&uses, module, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    module: &'a str,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    if let Some(start) = way.iter().position(|before| *before == module) {
        let circle = way.iter().skip(start).chain([&module]);
        return Some(circle.map(|module| (*module).to_owned()).collect());
    }
    if !done.insert(module) {
        return None;
    }
    way.push(module);
    let found = uses.get(module).into_iter().flatten().find_map(|next| walk(uses, next, way, done));
    way.pop();
    found
}

/// The other modules that a module's text names.
fn used<'a>(sources: &'a Sources, module: &str, text: &str) -> BTreeSet<&'a str> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).fold(
        String::new(),
        |mut code, line| {
            code.push_str(line);
            code.push('\n');
            code
        },
    );
    paths(&code)
        .iter()
        .filter_map(|path| resolve(sources, module, path))
        .filter(|found| *found != module)
        .collect()
}

/// The module of the crate that a path leads into.
fn resolve<'a>(sources: &'a Sources, module: &str, path: &[&str]) -> Option<&'a str> {
    let mut at: Vec<&str> = module.split("::").collect();
    let mut rest = path;
    match rest.split_first() {
        Some((&"crate", after)) => {
            at.clear();
            rest = after;
        }
        Some((&"super", _)) => {
            while let Some((&"super", after)) = rest.split_first() {
                at.pop();
                rest = after;
            }
        }
        Some((&"self", after)) => rest = after,
        // A path that begins with a module of this one.
        Some((first, _)) if sources.contains_key(&format!("{module}::{first}")) => {}
        _ => return None,
    }
    let known = |at: &[&str]| sources.get_key_value(&at.join("::")).map(|(module, _)| module.as_str());
    let mut found = known(&at);
    for part in rest {
        at.push(part);
        match known(&at) {
            Some(deeper) => found = Some(deeper),
            None => break,
        }
    }
    found
}

/// Every path in a text, those in the braces of a `use` written out.
fn paths(code: &str) -> Vec<Vec<&str>> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (mut found, mut prefixes, mut current) = (Vec::new(), Vec::<Vec<&str>>::new(), Vec::new());
    let mut goes_on = false;
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if !goes_on {
                found.push(std::mem::take(&mut current));
                current = prefixes.last().cloned().unwrap_or_default();
            }
            current.push(word);
            goes_on = false;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            goes_on = true;
            rest = after;
        } else {
            match first {
                '{' if goes_on => prefixes.push(std::mem::take(&mut current)),
                '{' => prefixes.push(prefixes.last().cloned().unwrap_or_default()),
                '}' => {
                    found.push(std::mem::take(&mut current));
                    prefixes.pop();
                }
                _ => {}
            }
            goes_on = false;
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    found.push(current);
    found.retain(|path| path.len() > 1);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(files: &[(&str, &str)]) -> Option<String> {
        let sources = files.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect();
        find(&sources).map(|circle| circle.join(" "))
    }

    #[test]
    fn circles_are_found_whatever_way_they_are_written() {
        for (one, other) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("use crate::{b::B, c};", "fn f() { crate::a::f(); }"),
            ("use crate::b::{self, B};", "use super::a::{\n    A,\n};"),
            ("fn f(b: &super::b::B) {}", "pub(crate) use crate::a;"),
        ] {
            assert_eq!(
                circle(&[("a", one), ("b", other), ("c", "")]),
                Some("a b a".to_owned()),
                "{one} {other}"
            );
        }
        let three = [
            ("a", "use crate::b::x;"),
            ("b", "use crate::c::d::y;"),
            ("c", "mod d;"),
            ("c::d", "use crate::a;"),
        ];
        assert_eq!(circle(&three), Some("a b c::d a".to_owned()));
        // A room that shows what its files hold, and a file that asks the room.
        let room = [("t", "mod x;\npub use x::X;"), ("t::x", "use super::T;")];
        assert_eq!(circle(&room), Some("t t::x t".to_owned()));
    }

    #[test]
    fn what_is_no_use_is_no_circle() {
        for files in [
            &[("a", "use crate::b::B;"), ("b", "// use crate::a::A;\nuse std::a::A;")][..],
            &[("a", "use crate::b::B;"), ("b", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}")],
            &[("a", "mod b;\nmod c;\npub use c::C;"), ("a::b", ""), ("a::c", "use super::b::B;")],
            &[("a", "use crate::Face;"), ("b", "use crate::a::A;")],
        ] {
            assert_eq!(circle(files), None, "{files:?}");
        }
    }
}
