//! Pages under `docs/` that are derived from code.

use std::path::Path;

/// Compares a page under `docs/` with what the code says, or writes it where the variable `UPDATE_DOCS` is set.
///
/// # Panics
/// If the page is out of date; the message names the command that writes it.
#[expect(clippy::disallowed_methods, reason = "the variable asks for a new page, which is no configuration")]
pub fn assert_page(name: &str, page: &str, package: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some()
        && let Err(error) = std::fs::write(&path, page)
    {
        panic!("docs/{name} cannot be written: {error}");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == page,
        "docs/{name} is out of date: `UPDATE_DOCS=1 cargo test -p {package} reference` writes it"
    );
}
