//! Circles among the files of one crate: a file that uses another which, at some distance, uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The files of a crate: the module that each is, and its text.
type Sources = BTreeMap<String, String>;

/// Reads the modules of a crate, tests aside, by the lines that declare them: a file that two modules are made of is read
/// as both. The root is left out: it is the crate's face and names them all.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn read(src: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    let mut open = vec![(String::new(), src.join("lib.rs"), src.to_owned())];
    while let Some((module, file, below)) = open.pop() {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for (name, path) in declared(&text) {
            let inner = if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") };
            open.push(match path {
                // Modules declared by such a file stand beside it.
                Some(path) => {
                    let file = file.with_file_name(path);
                    let beside = file.parent().unwrap_or(src).to_owned();
                    (inner, file, beside)
                }
                None => (inner, below.join(format!("{name}.rs")), below.join(name)),
            });
        }
        if !module.is_empty() {
            sources.insert(module, text);
        }
    }
    Ok(sources)
}

/// The modules that a text declares in files of their own, tests aside, each with its `#[path]`.
fn declared(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut path = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.strip_suffix("\"]");
        } else if let Some(declaration) = line.strip_suffix(';')
            && let Some((visibility, name)) = declaration.rsplit_once("mod ")
            && (visibility.is_empty() || visibility.starts_with("pub"))
        {
            found.push((name, path.take()));
        }
    }
    found.retain(|(name, _)| *name != "tests");
    found
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
    fn modules_are_declared_in_files_of_their_own() {
        let text = "mod a;\npub(crate) mod b;\n#[path = \"x/y.rs\"]\n#[expect(\n    lint\n)]\npub mod c;\nmod d {\n}\n\
            #[cfg(test)]\nmod tests;\n// no mod e;\n";
        assert_eq!(declared(text), [("a", None), ("b", None), ("c", Some("x/y.rs"))]);
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
