//! Knowledge files.

use manifest::{Manifest, Source};

use crate::support::{sentences, vars};

fn read(directory: &tempfile::TempDir, patterns: &str) -> Result<Manifest, manifest::ManifestError> {
    let text = format!("[[organizations]]\nslug = \"a\"\nname = \"A\"\nknowledge = {patterns}");
    Manifest::from_toml(&text, &Source::new(&vars, directory.path()))
}

#[test]
fn patterns_overlap_and_order_is_by_path() {
    // Brackets in the directory's own name are no pattern.
    let directory = tempfile::Builder::new().prefix("a[1]").tempdir().unwrap();
    std::fs::create_dir(directory.path().join("more")).unwrap();
    for (name, content) in
        [("b.md", "\n## Prices\nLow."), ("a.md", "no heading"), ("more/c.md", "#\n# Last\n")]
    {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let manifest = read(&directory, r#"["b.md", "**/*.md"]"#).unwrap();
    let found: Vec<_> =
        manifest.organizations[0].knowledge.iter().map(|k| (k.path.as_str(), k.title.as_str())).collect();
    assert_eq!(found, [("a.md", "a"), ("b.md", "Prices"), ("more/c.md", "Last")]);
}

#[test]
fn what_cannot_be_taken_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("empty.md"), " \n").unwrap();
    std::fs::write(directory.path().join("binary.md"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(directory.path().join("big.md"), "x".repeat(1024 * 1024 + 1)).unwrap();
    let found = sentences(read(&directory, r#"["*.txt", "empty.md", "binary.md", "big.md", "a***b"]"#));
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found[0], "organization a, knowledge[0]: \"*.txt\" matches no file");
    assert_eq!(found[1], "organization a, knowledge[1]: empty.md is empty");
    assert!(found[2].starts_with("organization a, knowledge[2]: binary.md cannot be read: "), "{}", found[2]);
    assert_eq!(found[3], "organization a, knowledge[3]: big.md has 1048577 bytes, more than 1048576");
    assert!(
        found[4].starts_with("organization a, knowledge[4]: \"a***b\" is not a file pattern: "),
        "{}",
        found[4]
    );
}
