//! One organization's transaction.

use async_trait::async_trait;
use org_resolver::OrgId;

use super::Tx;
use crate::error::StorageError;
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::sql_types::DbUuid;

/// A transaction with the organization that every one of its statements is limited to.
pub(super) struct Scope {
    pub(super) org: DbUuid,
    pub(super) tx: Tx,
    pub(super) sealer: Sealer,
}

impl Scope {
    pub(super) fn new(org: OrgId, tx: Tx, sealer: Sealer) -> Self {
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
