//! Knowledge files.

use manifest::{Manifest, Source};

use crate::support::{sentences, vars};

fn read(directory: &std::path::Path, patterns: &str) -> Result<Manifest, manifest::ManifestError> {
    let text = format!("[[organizations]]\nslug = \"a\"\nname = \"A\"\nknowledge = {patterns}");
    Manifest::from_toml(&text, &Source::new(&vars, directory))
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
    let manifest = read(directory.path(), r#"["b.md", "**/*.md"]"#).unwrap();
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
    let found = sentences(read(directory.path(), r#"["*.txt", "empty.md", "binary.md", "big.md", "a***b"]"#));
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found[0], "organization a, knowledge[0]: \"*.txt\" matches no file");
    assert_eq!(found[1], "organization a, knowledge[1]: empty.md is empty");
    assert!(found[2].starts_with("organization a, knowledge[2]: binary.md cannot be read: "), "{}", found[2]);
    assert_eq!(found[3], "organization a, knowledge[3]: big.md has more than 1048576 bytes");
    assert!(
        found[4].starts_with("organization a, knowledge[4]: \"a***b\" is not a file pattern: "),
        "{}",
        found[4]
    );
}

/// A file of organizations comes from an operator's repository; what it names comes from there too.
#[cfg(unix)]
#[test]
fn files_outside_the_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("base");
    std::fs::create_dir(&base).unwrap();
    std::fs::write(base.join("own.md"), "# Own").unwrap();
    std::fs::write(directory.path().join("private.md"), "# Private").unwrap();
    std::os::unix::fs::symlink("../private.md", base.join("link.md")).unwrap();
    std::os::unix::fs::symlink("own.md", base.join("same.md")).unwrap();
    let absolute = directory.path().join("private.md");
    let outside = [
        "../private.md".to_owned(),
        "link.md".to_owned(),
        absolute.to_string_lossy().into_owned(),
        "/proc/self/environ".to_owned(),
    ];
    for pattern in outside {
        let found = sentences(read(&base, &format!("[{pattern:?}]")));
        assert!(
            found.len() == 1 && found[0].ends_with("lies outside the directory of the organizations file"),
            "{pattern}: {found:?}"
        );
    }
    assert_eq!(read(&base, r#"["own.md", "same.md"]"#).unwrap().organizations[0].knowledge.len(), 2);
}
