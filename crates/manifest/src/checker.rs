//! Notes mistakes, and reads the values that every part of a file has.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

use tenant::IdentifierKind;

use crate::error::Problem;
use crate::source::Source;

/// Longest name, label or id, in characters.
const MAX_TEXT: usize = 200;

/// Checks one organization after the other and notes their mistakes.
///
/// A value that is wrong is noted and replaced by some default; the result is thrown away then.
pub(crate) struct Checker<'a> {
    /// The place in the file of the organization that is being checked.
    pub(crate) index: usize,
    /// Its name in mistakes.
    pub(crate) label: String,
    pub(crate) source: &'a Source<'a>,
    /// Two organizations never own the same identifier.
    claims: HashMap<(IdentifierKind, String), Owner>,
    pub(crate) problems: Vec<Problem>,
    /// What is taken and had better be otherwise.
    pub(crate) warnings: Vec<Problem>,
}

struct Owner {
    index: usize,
    organization: String,
    field: String,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Self {
        Self {
            index: 0,
            label: String::new(),
            source,
            claims: HashMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn problem(&mut self, field: impl Into<String>, reason: impl Display) {
        let problem = self.about(field, reason);
        self.problems.push(problem);
    }

    pub(crate) fn warning(&mut self, field: impl Into<String>, reason: impl Display) {
        let warning = self.about(field, reason);
        self.warnings.push(warning);
    }

    fn about(&self, field: impl Into<String>, reason: impl Display) -> Problem {
        Problem { organization: self.label.clone(), field: field.into(), reason: reason.to_string() }
    }

    /// The value of a result; an error is noted, and `None`.
    pub(crate) fn noted<T>(&mut self, field: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|error| self.problem(field, error)).ok()
    }

    /// Parses a value whose errors say what it should be.
    pub(crate) fn named<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.noted(field, text.parse())
    }

    /// A text for people, without surrounding blanks.
    pub(crate) fn text(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.problem(field, "it is empty");
        } else if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            self.problem(field, format_args!("it has line breaks or more than {MAX_TEXT} characters"));
        }
        text.to_owned()
    }

    /// A name that stands once in its list, whatever its case.
    pub(crate) fn unique_name(&mut self, names: &mut HashSet<String>, field: &str, name: &str) -> String {
        let name = self.text(field, name);
        if !names.insert(name.to_lowercase()) {
            self.problem(field, format_args!("{name:?} is given twice"));
        }
        name
    }

    /// An id of the provider's, of which only the obviously wrong is known.
    pub(crate) fn provider_id(&mut self, field: &str, id: &str) -> String {
        let id = self.text(field, id);
        if id.contains(|c: char| c.is_whitespace() || c == '*' || c == '%') {
            self.problem(field, format_args!("{id:?} is not an id"));
        }
        id
    }

    /// An id of the provider's that belongs to this organization.
    pub(crate) fn own_id(&mut self, kind: IdentifierKind, field: &str, id: &str) -> String {
        let id = self.provider_id(field, id);
        self.claim(kind, &id, field);
        id
    }

    /// Claims a value for this organization and notes when it has an owner already. Empty values are noted elsewhere.
    pub(crate) fn claim(&mut self, kind: IdentifierKind, value: &str, field: &str) {
        if value.is_empty() {
            return;
        }
        let key = (kind, value.to_owned());
        let Some(first) = self.claims.get(&key) else {
            let (index, organization) = (self.index, self.label.clone());
            self.claims.insert(key, Owner { index, organization, field: field.to_owned() });
            return;
        };
        let whose = if first.index == self.index {
            "this organization".to_owned()
        } else {
            format!("organization {}", first.organization)
        };
        let reason = format!("{value:?} already belongs to {whose} ({})", first.field);
        self.problem(field, reason);
    }

    /// Notes a value that belongs to another organization. One that nobody declares is the provider's business.
    pub(crate) fn not_foreign(&mut self, kind: IdentifierKind, value: &str, field: &str) {
        let owner = self.claims.get(&(kind, value.to_owned()));
        if let Some(owner) = owner.filter(|owner| owner.index != self.index) {
            let reason = format!("{value:?} belongs to organization {}", owner.organization);
            self.problem(field, reason);
        }
    }
}
