//! The operator's transaction: it sees every organization.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::super::dialect;
use super::super::load;
use super::super::tx::Tx;
use crate::error::StorageError;
use crate::rows::Rows;
use crate::seal::Sealer;
use crate::sql_types::DbUuid;
use crate::stored::Stored;

/// Up to so many organizations are read by their ids; beyond, everything is.
const NAMED_AT_MOST: usize = 500;

/// A transaction that sees every organization.
pub(crate) struct Operator {
    pub(super) tx: Tx,
    pub(super) sealer: Sealer,
    pub(super) actor: String,
    pub(super) reason: String,
    /// The rows of organizations that were prepared.
    pub(super) prepared: HashMap<Uuid, Stored>,
    is_locked: bool,
}

impl Operator {
    pub(crate) async fn new(mut tx: Tx, sealer: Sealer) -> Result<Self, StorageError> {
        let ready = dialect::prepare_operator(tx.conn()?).await;
        tx.check(ready)?;
        let (actor, reason, prepared) = (String::new(), String::new(), HashMap::new());
        Ok(Self { tx, sealer, actor, reason, prepared, is_locked: false })
    }

    /// Operators who change something take turns.
    pub(super) async fn lock(&mut self) -> Result<(), StorageError> {
        if !self.is_locked {
            let locked = dialect::lock_operators(self.tx.conn()?).await;
            self.tx.check(locked)?;
            self.is_locked = true;
        }
        Ok(())
    }

    /// The rows of some organizations, or of all.
    pub(super) async fn load(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Stored>, StorageError> {
        let only: Option<Vec<_>> = only
            .filter(|orgs| orgs.len() <= NAMED_AT_MOST)
            .map(|orgs| orgs.iter().copied().map(DbUuid).collect());
        let only = only.as_deref();
        let orgs = self.tx.load(load::profiles(only)).await?;
        let mut by_owner: HashMap<Uuid, Rows> = HashMap::new();
        macro_rules! sort {
            ($($list:ident)*) => {
                $(for row in self.tx.load(load::$list(only)).await? {
                    by_owner.entry(row.organization_id).or_default().$list.push(row);
                })*
            };
        }
        sort!(agents configurations numbers mappings credentials services resources hours closures transfers knowledge);
        let mut stored = Vec::new();
        for org in orgs {
            let rows = by_owner.remove(&org.id).unwrap_or_default();
            stored.push(Stored::read(org, rows, &self.sealer)?);
        }
        Ok(stored)
    }
}
