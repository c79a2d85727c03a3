//! `cargo xtask msrv`: the stated minimum Rust version is one that every dependency builds with.
//!
//! The job compares statements and compiles nothing: an old compiler is not always at hand.

use anyhow::{Context as _, Result, bail};

use job::workspace::{Metadata, Package};

/// Runs the job.
///
/// # Errors
/// If a crate of ours states no version, they state different ones, or a dependency needs a newer compiler.
pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::read()?;
    let mut stated = None;
    for member in metadata.members() {
        let version = member.rust_version.as_deref();
        let version = version.with_context(|| format!("{} states no rust-version", member.name))?;
        if *stated.get_or_insert(version) != version {
            bail!("{} states rust-version {version}, another crate a different one", member.name);
        }
    }
    let stated = stated.context("the workspace has no member")?;
    let newer = newer_than(stated, &metadata.packages)?;
    if !newer.is_empty() {
        bail!("rust-version is {stated}, but these need a newer one: {}", newer.join(", "));
    }
    println!("msrv: {stated} covers {} packages", metadata.packages.len());
    Ok(())
}

/// Lists the packages that need a newer compiler than `stated`; a package that states none is taken to need none.
fn newer_than(stated: &str, packages: &[Package]) -> Result<Vec<String>> {
    let limit = numbers(stated)?;
    let mut newer = Vec::new();
    for package in packages {
        let Some(needed) = package.rust_version.as_deref() else { continue };
        if numbers(needed)? > limit {
            newer.push(format!("{} {} ({needed})", package.name, package.version));
        }
    }
    Ok(newer)
}

/// Reads `1.90` or `1.90.0` as numbers, so that 1.100 is newer than 1.90.
fn numbers(version: &str) -> Result<[u32; 3]> {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        *number = part.parse().with_context(|| format!("{version:?} is not a Rust version"))?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rust_version: Option<&str>) -> Package {
        serde_json::from_value(serde_json::json!({
            "id": name, "name": name, "version": "1.0.0", "rust_version": rust_version,
            "dependencies": [], "features": {},
        }))
        .unwrap()
    }

    #[test]
    fn versions_compare_by_number() {
        let packages = [
            package("old", Some("1.9")),
            package("same", Some("1.90.0")),
            package("silent", None),
            package("patch", Some("1.90.1")),
            package("hundred", Some("1.100")),
        ];
        let newer = newer_than("1.90", &packages).unwrap();
        assert_eq!(newer, ["patch 1.0.0 (1.90.1)", "hundred 1.0.0 (1.100)"]);
    }

    #[test]
    fn a_word_is_no_version() {
        assert!(newer_than("stable", &[]).is_err());
    }
}
