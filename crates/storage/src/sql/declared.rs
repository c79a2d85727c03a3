//! The operator's declarations.

use std::slice::from_ref;

use async_trait::async_trait;
use tenant::{Document, Profile};

use super::load;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::Declared;
use crate::stored;

#[async_trait]
impl Declared for Scope {
    async fn profile(&mut self) -> Result<Profile, StorageError> {
        let own = self.tx.find(load::profiles(Some(from_ref(&self.org)))).await?;
        stored::profile(&own.ok_or_else(|| StorageError::inconsistent("organizations", "id", &self.org.0))?)
    }

    async fn documents(&mut self) -> Result<Vec<Document>, StorageError> {
        let rows = self.tx.load(load::knowledge(Some(from_ref(&self.org)))).await?;
        Ok(rows.iter().map(stored::document).collect())
    }
}
