//! The unprivileged user as whom PostgreSQL runs, because it refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rustix::process::geteuid;

/// The server's account.
#[derive(Clone, Copy, Debug)]
pub(super) enum ServerUser {
    /// This program's own account.
    Current,
    /// An account without rights, because this program runs as root.
    Unprivileged { uid: u32, gid: u32 },
}

impl ServerUser {
    /// Finds the user: the current one, or as root `postgres`, or else `nobody`.
    ///
    /// # Errors
    /// If this program runs as root and neither account exists.
    pub(super) fn find() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Current);
        }
        for name in ["postgres", "nobody"] {
            if let (Some(uid), Some(gid)) = (id_of("-u", name), id_of("-g", name)) {
                return Ok(Self::Unprivileged { uid, gid });
            }
        }
        bail!(
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run as another user"
        )
    }

    /// Lets a command run as this user, in a directory that the user can read.
    pub(super) fn apply(self, command: &mut Command, directory: &Path) {
        command.current_dir(directory);
        if let Self::Unprivileged { uid, gid } = self {
            // The supplementary groups of root go with it: the standard library clears them.
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or directory to this user.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        if let Self::Unprivileged { uid, gid } = self {
            chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} away", path.display()))?;
        }
        Ok(())
    }
}

/// Asks `id`, which also knows accounts that stand in no file.
fn id_of(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    let number = String::from_utf8(output.stdout).ok()?;
    // Zero would be root under another name.
    number.trim().parse().ok().filter(|id| *id != 0)
}
