//! Named values from outside: the process environment in a program, a map in a test.

use std::collections::{BTreeMap, HashMap};

/// Named values.
pub trait Vars {
    /// Every name with its value.
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_>;

    /// The value of one name.
    fn get(&self, name: &str) -> Option<String> {
        self.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// The environment of this process. Values that are no text are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessVars;

impl Vars for ProcessVars {
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_> {
        // `vars_os`, because `vars` panics on a value that is no text, whoever it belongs to.
        Box::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }
}

impl Vars for BTreeMap<String, String> {
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_> {
        Box::new(Self::iter(self).map(|(name, value)| (name.clone(), value.clone())))
    }
}

impl Vars for HashMap<String, String> {
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_> {
        Box::new(Self::iter(self).map(|(name, value)| (name.clone(), value.clone())))
    }
}

impl Vars for [(&str, &str)] {
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_> {
        Box::new(<[(&str, &str)]>::iter(self).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }
}

impl<const N: usize> Vars for [(&str, &str); N] {
    fn iter(&self) -> Box<dyn Iterator<Item = (String, String)> + '_> {
        Vars::iter(self.as_slice())
    }
}
