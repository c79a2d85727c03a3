//! Short ways to read a file.

use manifest::{Manifest, ManifestError, Problem, Source};
use tenant::Organization;

/// The variables that files of the tests may name.
pub(crate) fn vars(key: &str) -> Option<String> {
    match key {
        "NORTHGATE_SECRET" => Some("northgate secret".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

pub(crate) fn read(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::from_toml(text, &Source::new(&vars, "."))
}

/// Reads one organization from its fields, `slug` and `name` given.
pub(crate) fn one(fields: &str) -> Result<Organization, ManifestError> {
    read(&format!("[[organizations]]\nslug = \"lakeside-law\"\nname = \"Lakeside Law\"\n{fields}"))
        .map(|mut manifest| manifest.organizations.remove(0))
}

/// Every mistake; none when the file has not the right form at all.
pub(crate) fn problems(error: &ManifestError) -> &[Problem] {
    match error {
        ManifestError::Invalid(problems) => problems,
        _ => &[],
    }
}

/// Every mistake of a file as its sentence.
pub(crate) fn sentences(result: Result<impl Sized, ManifestError>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(error) => {
            let problems = problems(&error);
            assert!(!problems.is_empty(), "{error}");
            problems.iter().map(ToString::to_string).collect()
        }
    }
}

/// The mistakes of one organization's fields, without the words that name the organization.
pub(crate) fn mistakes(fields: &str) -> Vec<String> {
    let strip = |text: String| text.strip_prefix("organization lakeside-law, ").unwrap().to_owned();
    sentences(one(fields)).into_iter().map(strip).collect()
}
