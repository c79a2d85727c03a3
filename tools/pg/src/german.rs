//! A German locale for the server, so that tests meet messages that are not English.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::{install, sql};
use job::process;

/// The locale's name.
const LOCALE: &str = "de_DE.UTF-8";

/// Tells the tests the locale's name; empty where the tests on a German server are left out.
pub(super) const VARIABLE: &str = "GATEWAY_TEST_GERMAN";

/// The value by which a developer leaves them out.
const NONE: &str = "none";

/// What PostgreSQL's German catalogue says of a division by zero.
const DIVISION_BY_ZERO: &str = "Division durch Null";

/// Reads from the environment's value which locale the tests need; `None` where they are left out.
pub(super) fn wanted(value: Option<&str>) -> Option<String> {
    match value {
        Some(NONE) => None,
        None | Some("") => Some(LOCALE.to_owned()),
        Some(other) => Some(other.to_owned()),
    }
}

/// Compiles the locale below the directory, from the sources that Debian's package `locales` has; on Debian as root,
/// installs that package when there are none.
///
/// # Errors
/// If there are no sources and they cannot be installed; the text says what to do.
pub(super) fn compile(directory: &Path) -> Result<PathBuf> {
    let locales = directory.join("locales");
    fs::create_dir(&locales)?;
    let is_compiled = || {
        // Warnings about the sources make the program fail although the locale is there.
        let mut localedef = Command::new("localedef");
        localedef.args(["-i", "de_DE", "-f", "UTF-8"]).arg(locales.join(LOCALE));
        let _ = process::output(&mut localedef);
        locales.join(LOCALE).join("LC_MESSAGES").exists()
    };
    if is_compiled() {
        return Ok(locales);
    }
    if install::possible() {
        install::locales()?;
    }
    ensure!(is_compiled(), mend("there is no German locale"));
    Ok(locales)
}

/// Makes sure that the server has German messages for the locale, and not the locale alone.
///
/// # Errors
/// If it answers in another language, or not at all.
pub(super) fn check(url: &str, locale: &str) -> Result<()> {
    match sql::column(url, &format!("SET lc_messages = '{locale}'; SELECT 1 / 0")) {
        Ok(_) => bail!("PostgreSQL divides by zero"),
        Err(error) => {
            let answer = format!("{error:#}");
            ensure!(
                answer.contains(DIVISION_BY_ZERO),
                mend(&format!("the server does not speak German: {answer}"))
            );
            Ok(())
        }
    }
}

fn mend(what: &str) -> String {
    format!(
        "{what}: install the locale's sources (Debian and Ubuntu: `apt-get install locales`) and a PostgreSQL with \
         its translations, or leave the tests on a German server out with {VARIABLE}={NONE}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_says_so_leaves_the_tests_out() {
        assert_eq!(wanted(None).as_deref(), Some("de_DE.UTF-8"));
        assert_eq!(wanted(Some("")).as_deref(), Some("de_DE.UTF-8"));
        assert_eq!(wanted(Some("de_AT.utf8")).as_deref(), Some("de_AT.utf8"));
        assert_eq!(wanted(Some("none")), None);
    }
}
