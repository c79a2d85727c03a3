//! The database and the master key of a command.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use settings::Settings;
use storage::{DatabaseUrl, MasterKey, Sealer, Storage, StorageConfig};

use crate::options;

/// Where the generated key lies when the database is no file of ours.
const KEY_DIRECTORY: &str = "data";
const KEY_FILE: &str = "master.key";

/// How to go on without a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// Make one: the command is about to seal secrets.
    Make,
    /// Fail: the command needs secrets that some other key has sealed.
    Fail,
    /// Go on without opening any secret.
    GoOn,
}

/// The sealer of the configured key, or of the key file beside the database.
///
/// # Errors
/// When the key is no key, or the file cannot be used, or there is none and the command cannot do without; and where a new
/// one would stand in for the one that has sealed what the database holds.
pub(crate) async fn sealer(
    settings: &Settings,
    database: &StorageConfig,
    no_key: NoKey,
) -> anyhow::Result<Sealer> {
    if let Some(secret) = &settings.auth.master_key {
        let key =
            MasterKey::from_base64(secret.expose_secret()).context("GATEWAY_MASTER_KEY cannot be used")?;
        return Ok(Sealer::new(key));
    }
    let path = key_file(&database.url);
    if !path.exists() {
        match no_key {
            NoKey::GoOn => return Ok(Sealer::without_key()),
            NoKey::Fail => bail!(
                "there is no master key to open secrets with: set GATEWAY_MASTER_KEY, or run where {} is",
                path.display()
            ),
            NoKey::Make if is_sealed(database).await? => bail!(
                "{} is not there, and the database {} holds what its key has sealed: put the file back, or set \
                 GATEWAY_MASTER_KEY to that key; where it is lost, give every secret anew after \
                 DELETE FROM deployment WHERE name = 'canary'",
                path.display(),
                database.url
            ),
            NoKey::Make => {}
        }
    }
    Ok(Sealer::new(MasterKey::load_or_create(&path)?))
}

/// Connects to a database that is there and migrated.
///
/// # Errors
/// When it is not, with what to do about it.
pub(crate) async fn connect(settings: &Settings, no_key: NoKey) -> anyhow::Result<Storage> {
    let database = options::storage(settings)?;
    if let Some(path) = missing_file(&database.url) {
        bail!(
            "there is no database at {}: run `vapi-gateway migrate` or `vapi-gateway serve` first",
            path.display()
        );
    }
    let sealer = sealer(settings, &database, no_key).await?;
    let name = database.url.to_string();
    let storage = Storage::connect(database, sealer)
        .await
        .with_context(|| format!("cannot work with the database {name}"))?;
    storage.health().await.with_context(|| format!("the database {name} is not ready"))?;
    storage.prove().await.with_context(|| format!("cannot work with the database {name}"))?;
    Ok(storage)
}

/// Whether some key has sealed something already.
async fn is_sealed(database: &StorageConfig) -> anyhow::Result<bool> {
    let connected = Storage::connect(database.clone(), Sealer::without_key()).await;
    let storage = connected.with_context(|| format!("cannot work with the database {}", database.url))?;
    Ok(storage.is_sealed().await?)
}

/// The path of an embedded database that was never made.
pub(crate) fn missing_file(url: &DatabaseUrl) -> Option<&Path> {
    url.sqlite_path().filter(|path| !path.exists())
}

fn key_file(url: &DatabaseUrl) -> PathBuf {
    let directory = url.sqlite_path().map_or(Some(Path::new(KEY_DIRECTORY)), Path::parent);
    directory.unwrap_or(Path::new("")).join(KEY_FILE)
}
