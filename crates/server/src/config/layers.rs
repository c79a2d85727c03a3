//! Where settings come from, and in which order they win.

use std::io::ErrorKind;
use std::path::Path;

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat, Map, Source, Value, ValueKind};

use super::ConfigError;

const LONG_PREFIX: &str = "GATEWAY__";
const LONG_SEPARATOR: &str = "__";
const ENVIRONMENT: &str = "the environment";

/// Names that people use without thinking of this program, and what they set.
const EVERYDAY: [(&str, &str); 10] = [
    ("DATABASE_URL", "database.url"),
    ("HOST", "server.host"),
    ("PORT", "server.port"),
    ("BACKEND_URL", "server.backend_url"),
    ("WEBHOOK_URL", "server.webhook_url"),
    ("VAPI_WEBHOOK_SECRET", "auth.webhook_secret"),
    ("VAPI_API_KEY", "auth.vapi_api_key"),
    ("ADMIN_TOKEN", "auth.admin_token"),
    ("GATEWAY_MASTER_KEY", "auth.master_key"),
    ("RUST_LOG", "log.filter"),
];

/// Settings that hold a list.
const LISTS: [&str; 3] = ["server.trusted_proxies", "resolver.order", "auth.shared_presets"];

/// Every setting that is no list. A test holds this against the types.
const SINGLES: [&str; 41] = [
    "environment",
    "database.url",
    "database.owner_url",
    "database.directory_url",
    "database.operator_url",
    "database.assume_roles",
    "database.max_connections",
    "database.statement_timeout_ms",
    "database.write_queue",
    "database.sqlite_synchronous",
    "server.host",
    "server.port",
    "server.backend_url",
    "server.webhook_url",
    "server.max_body_bytes",
    "server.max_in_flight_bytes",
    "server.body_timeout_ms",
    "server.workers",
    "server.shutdown_timeout_ms",
    "server.tls_cert",
    "server.tls_key",
    "resolver.metadata",
    "resolver.metadata_with_shared_secret",
    "resolver.cache_ttl_ms",
    "resolver.cache_hits",
    "resolver.cache_misses",
    "resolver.cache_organizations",
    "limits.unverified_per_address",
    "limits.unverified_total",
    "limits.waiting",
    "limits.call_events",
    "limits.streams",
    "auth.webhook_secret",
    "auth.vapi_api_key",
    "auth.admin_token",
    "auth.master_key",
    "quarantine.max_messages",
    "quarantine.max_bytes",
    "quarantine.max_age_hours",
    "log.filter",
    "log.format",
];

type Builder = ConfigBuilder<DefaultState>;

/// Puts the layers on top of each other.
pub(super) fn collect(directory: &Path, vars: &dyn super::Vars) -> Result<config::Config, ConfigError> {
    let mut builder = config::Config::builder();
    let path = directory.join("gateway.toml");
    if let Some(text) = read(&path)? {
        let file = File::from_str(&text, FileFormat::Toml);
        check_keys("", &file.collect()?, "gateway.toml")?;
        builder = builder.add_source(file);
    }
    for name in [".env", ".env.local"] {
        let path = directory.join(name);
        if let Some(text) = read(&path)? {
            let pairs = dotenvy::from_read_iter(text.as_bytes())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_quotes_the_line| ConfigError::NotEnv { path })?;
            builder = apply(builder, &pairs, name)?;
        }
    }
    let pairs: Vec<_> = vars.iter().collect();
    Ok(apply(builder, &pairs, ENVIRONMENT)?.build()?)
}

/// The text of a file; `None` when there is none.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ConfigError::Unreadable { path: path.to_owned(), cause }),
    }
}

/// Adds one layer of names and values: everyday names first, so that long ones win.
fn apply(mut builder: Builder, pairs: &[(String, String)], origin: &str) -> Result<Builder, ConfigError> {
    for (name, value) in pairs {
        if let Some((_, key)) = EVERYDAY.iter().find(|(everyday, _)| everyday == name) {
            builder = set(builder, key, value)?;
        }
    }
    for (name, value) in pairs {
        let Some(rest) = name.strip_prefix(LONG_PREFIX) else { continue };
        let key = rest.to_ascii_lowercase().replace(LONG_SEPARATOR, ".");
        if !is_known(&key) {
            return Err(ConfigError::UnknownKey { key: name.clone(), origin: origin.to_owned() });
        }
        builder = set(builder, &key, value)?;
    }
    Ok(builder)
}

fn set(builder: Builder, key: &str, value: &str) -> Result<Builder, ConfigError> {
    if value.trim().is_empty() {
        return Ok(builder);
    }
    if LISTS.contains(&key) {
        let words: Vec<&str> = value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        return Ok(builder.set_override(key, words)?);
    }
    Ok(builder.set_override(key, value)?)
}

/// Refuses what is no setting, wherever it stands in the tree.
fn check_keys(above: &str, table: &Map<String, Value>, origin: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match &value.kind {
            ValueKind::Table(inner) if is_section(&key) => check_keys(&key, inner, origin)?,
            _ if is_known(&key) => {}
            _ => return Err(ConfigError::UnknownKey { key, origin: origin.to_owned() }),
        }
    }
    Ok(())
}

fn is_known(key: &str) -> bool {
    LISTS.contains(&key) || SINGLES.contains(&key)
}

fn is_section(key: &str) -> bool {
    SINGLES.iter().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The fields that a type asks for, out of its own complaint about one that it does not know.
    fn fields(section: &str) -> BTreeSet<String> {
        let key = if section.is_empty() { "zz".to_owned() } else { format!("{section}.zz") };
        let config = config::Config::builder().set_override(key, "1").unwrap().build().unwrap();
        let complaint = config.try_deserialize::<crate::Config>().unwrap_err().to_string();
        let (_, expected) = complaint.split_once("expected").unwrap();
        let (expected, _) = expected.split_once(" for key").unwrap_or((expected, ""));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_list_of_settings_is_the_types_list() {
        let mut in_types = BTreeSet::new();
        for field in fields("") {
            if is_section(&field) {
                in_types.extend(fields(&field).into_iter().map(|name| format!("{field}.{name}")));
            } else {
                in_types.insert(field);
            }
        }
        let listed = SINGLES.into_iter().chain(LISTS).map(str::to_owned).collect();
        assert_eq!(in_types, listed);
        assert!(EVERYDAY.iter().all(|(_, key)| in_types.contains(*key)));
    }
}
