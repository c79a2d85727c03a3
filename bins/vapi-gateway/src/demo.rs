//! Two sample organizations, and calls to paste.

mod samples;
mod script;

use std::net::SocketAddr;

use storage::{Storage, StorageConfig};

use self::samples::Sample;
use crate::{environment, options};

/// The sample organizations of a demo, in the database.
pub(crate) struct Demo {
    samples: Vec<Sample>,
    /// Whether other commands need to be told where the database is.
    is_elsewhere: bool,
}

impl Demo {
    /// Makes the sample organizations where they are not there yet.
    ///
    /// # Errors
    /// When the database refuses them, or another organization has their names or numbers.
    pub(crate) async fn prepare(storage: &Storage, database: &StorageConfig) -> anyhow::Result<Self> {
        let configured = options::storage(&environment::settings()?)?;
        Ok(Self { samples: samples::store(storage).await?, is_elsewhere: configured.url != database.url })
    }

    /// Prints calls that are signed for the next minutes.
    ///
    /// # Errors
    /// When nobody takes the output.
    pub(crate) fn print(&self, address: SocketAddr) -> anyhow::Result<()> {
        script::print(&self.samples, address, self.is_elsewhere)
    }
}
