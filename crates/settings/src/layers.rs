//! Where settings come from, and in which order they win.

use std::path::Path;

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat, Map, Source, Value, ValueKind};

use crate::env_files::{env_files, read};
use crate::error::SettingsError;
use crate::section::Key;
use crate::vars::Vars;

const FILE: &str = "gateway.toml";
const LONG_PREFIX: &str = "GATEWAY__";
const LONG_SEPARATOR: &str = "__";
const ENVIRONMENT: &str = "the environment";

type Builder = ConfigBuilder<DefaultState>;

/// The sections by name, each with its keys; the one without a name is the top.
type Sections = [(&'static str, &'static [Key])];

/// Puts the layers on top of each other.
pub(crate) fn collect(
    directory: &Path,
    vars: &dyn Vars,
    sections: &Sections,
) -> Result<config::Config, SettingsError> {
    let mut builder = config::Config::builder();
    let path = directory.join(FILE);
    if let Some(text) = read(&path)? {
        let file = File::from_str(&text, FileFormat::Toml);
        check_keys("", &file.collect()?, sections)?;
        builder = builder.add_source(file);
    }
    for (name, pairs) in env_files(directory)? {
        builder = apply(builder, &pairs, name, sections)?;
    }
    let pairs: Vec<_> = vars.iter().collect();
    Ok(apply(builder, &pairs, ENVIRONMENT, sections)?.build()?)
}

/// Adds one layer of names and values: everyday names first, so that long ones win.
fn apply(
    mut builder: Builder,
    pairs: &[(String, String)],
    origin: &str,
    sections: &Sections,
) -> Result<Builder, SettingsError> {
    for (key, everyday) in keys(sections).filter(|(_, everyday)| !everyday.is_empty()) {
        for (_, value) in pairs.iter().filter(|(name, _)| name == everyday) {
            builder = set(builder, &key, value)?;
        }
    }
    for (name, value) in pairs {
        let Some(rest) = name.strip_prefix(LONG_PREFIX) else { continue };
        let key = rest.to_ascii_lowercase().replace(LONG_SEPARATOR, ".");
        if !is_known(&key, sections) {
            return Err(SettingsError::UnknownKey { key: name.clone(), origin: origin.to_owned() });
        }
        builder = set(builder, &key, value)?;
    }
    Ok(builder)
}

fn set(builder: Builder, key: &str, value: &str) -> Result<Builder, SettingsError> {
    if value.trim().is_empty() { Ok(builder) } else { Ok(builder.set_override(key, value)?) }
}

/// Every setting by its whole name, with its everyday name.
fn keys(sections: &Sections) -> impl Iterator<Item = (String, &'static str)> {
    sections.iter().flat_map(|(section, keys)| {
        keys.iter().map(move |key| {
            let dot = if section.is_empty() { "" } else { "." };
            (format!("{section}{dot}{}", key.name), key.everyday)
        })
    })
}

/// Refuses what is no setting, wherever it stands in the file.
fn check_keys(above: &str, table: &Map<String, Value>, sections: &Sections) -> Result<(), SettingsError> {
    for (name, value) in table {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match &value.kind {
            ValueKind::Table(inner) if sections.iter().any(|(section, _)| *section == key) => {
                check_keys(&key, inner, sections)?;
            }
            _ if is_known(&key, sections) => {}
            _ => return Err(SettingsError::UnknownKey { key, origin: FILE.to_owned() }),
        }
    }
    Ok(())
}

fn is_known(key: &str, sections: &Sections) -> bool {
    keys(sections).any(|(known, _)| known == key)
}
