//! One organization's transaction.

use async_trait::async_trait;
use org_resolver::OrgId;

use super::tx::Tx;
use crate::error::StorageError;
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::sql_types::DbUuid;

/// A transaction with the organization that every one of its statements is limited to.
pub(crate) struct Scope {
    pub(crate) org: DbUuid,
    pub(crate) tx: Tx,
    pub(crate) sealer: Sealer,
}

impl Scope {
    pub(crate) fn new(org: OrgId, tx: Tx, sealer: Sealer) -> Self {
        Self { org: DbUuid(org.as_uuid()), tx, sealer }
    }
}

#[async_trait]
impl TenantStore for Scope {
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.rollback().await
    }
}
