//! A German locale for the server, so that tests meet messages that are not English.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use job::process;

/// The locale's name.
pub(super) const LOCALE: &str = "de_DE.UTF-8";

/// Tells the tests the locale's name.
pub(super) const VARIABLE: &str = "GATEWAY_TEST_GERMAN";

/// Compiles the locale below the directory, from the sources that Debian's package `locales` has; `None` where there
/// are none, or where the server has no German catalogue.
pub(super) fn compile(directory: &Path) -> Option<PathBuf> {
    let locales = directory.join("locales");
    fs::create_dir(&locales).ok()?;
    // Warnings about the sources make the program fail although the locale is there.
    let mut localedef = Command::new("localedef");
    localedef.args(["-i", "de_DE", "-f", "UTF-8"]).arg(locales.join(LOCALE));
    let _ = process::output(&mut localedef);
    let is_there = locales.join(LOCALE).join("LC_MESSAGES").exists();
    if !is_there {
        println!(
            "no German locale: the tests on a German server are left out (Debian: apt-get install locales)"
        );
    }
    is_there.then_some(locales)
}
