//! A section as its part of the page shows it.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// A section's part of the page.
pub(crate) struct Page {
    pub(crate) about: &'static str,
    /// One a key, in the order of the keys.
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) default: String,
    pub(crate) meaning: &'static str,
}

/// A default as the page has it; empty where there is none.
pub(crate) trait Shown {
    fn shown(&self) -> String;
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(String::new, Shown::shown)
    }
}

impl<T: Display> Shown for Vec<T> {
    fn shown(&self) -> String {
        self.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    }
}

impl Shown for SecretString {
    fn shown(&self) -> String {
        format!("`{}`", self.expose_secret())
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        format!("`{}`", self.display())
    }
}

macro_rules! displayed {
    ($($kind:ty)+) => { $(impl Shown for $kind {
        fn shown(&self) -> String {
            format!("`{self}`")
        }
    })+ };
}

displayed!(bool u16 u32 u64 usize String IpAddr);
