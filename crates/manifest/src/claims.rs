//! What may stand only once in a file: two organizations never own the same identifier.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tenant::IdentifierKind;

/// Every value claimed so far, with its owner.
#[derive(Default)]
pub(crate) struct Claims(HashMap<(IdentifierKind, String), Owner>);

#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) index: usize,
    pub(crate) organization: String,
    pub(crate) field: String,
}

impl Claims {
    /// Claims a value; the earlier owner when there is one.
    pub(crate) fn claim(&mut self, kind: IdentifierKind, value: &str, owner: Owner) -> Result<(), Owner> {
        match self.0.entry((kind, value.to_owned())) {
            Entry::Occupied(entry) => Err(entry.get().clone()),
            Entry::Vacant(entry) => {
                entry.insert(owner);
                Ok(())
            }
        }
    }

    pub(crate) fn owner(&self, kind: IdentifierKind, value: &str) -> Option<&Owner> {
        self.0.get(&(kind, value.to_owned()))
    }
}
