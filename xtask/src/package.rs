//! `cargo xtask package`: the crates that others embed can be packed.

use anyhow::Result;
use job::process;
use job::workspace::{Metadata, cargo};

/// Packs every crate that may be published, with what it needs from this workspace.
///
/// # Errors
/// If a manifest lacks what a registry asks for, or a crate needs one that is not published.
pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::read()?;
    let mut command = cargo();
    // Built by the other steps; a dirty tree is what one has while one works.
    command.args(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    for package in metadata.members().filter(|package| package.is_published()) {
        command.args(["--package", &package.name]);
    }
    process::run(&mut command)
}
