#![doc = include_str!("../README.md")]

mod auth;
mod database;
mod env_files;
mod error;
mod layers;
mod limits;
mod log;
#[cfg(test)]
mod page;
mod quarantine;
#[cfg(test)]
mod reference;
mod resolver;
mod retention;
mod section;
mod server;
mod settings;
mod vars;
mod words;

pub use auth::{AuthSettings, SharedSecretError};
pub use database::{DatabaseSettings, Synchronous};
pub use env_files::env_files;
pub use error::SettingsError;
pub use limits::LimitsSettings;
pub use log::{LogFormat, LogSettings};
pub use quarantine::QuarantineSettings;
pub use resolver::{ResolverSettings, Switch};
pub use retention::RetentionSettings;
pub use server::ServerSettings;
pub use settings::{Environment, Settings};
pub use vars::{ProcessVars, Vars};
