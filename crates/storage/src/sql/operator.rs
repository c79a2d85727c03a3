//! The work of operators in their transaction: reading every organization, changing entries, the audit log.

mod mappings;
mod quarantine;
mod refusals;
pub(crate) mod session;
mod work;
mod write;

use async_trait::async_trait;
use diesel::prelude::*;
use org_resolver::{LookupKey, OrgId};
use serde_json::{Map, Value};
use tenant::{Entry, Organization};
use uuid::Uuid;

use self::session::Operator;
use self::work::Work;
use super::directory;
use crate::error::StorageError;
use crate::operator::store::{OperatorStore, OrgEntry};
use crate::rows::{OwnerRow, SecretRow};
use crate::schema::{audit_log, organizations};
use crate::sql_types::{DbJson, DbUuid};
use crate::text::{clean, clean_json};

#[async_trait]
impl OperatorStore for Operator {
    fn signs_as(&mut self, actor: &str, reason: &str) {
        self.actor = clean(actor.trim()).into_owned();
        self.reason = clean(reason.trim()).into_owned();
    }

    async fn audit(
        &mut self,
        action: &str,
        subject: &str,
        mut detail: Map<String, Value>,
    ) -> Result<(), StorageError> {
        detail.insert("reason".to_owned(), Value::String(self.reason.clone()));
        let insert = diesel::insert_into(audit_log::table).values((
            audit_log::actor.eq(self.actor.clone()),
            audit_log::action.eq(action),
            audit_log::subject.eq(clean(subject)),
            audit_log::detail.eq(DbJson(clean_json(Value::Object(detail)))),
        ));
        self.tx.execute(insert).await.map(|_| ())
    }

    async fn list(&mut self) -> Result<Vec<OrgEntry>, StorageError> {
        let all = organizations::table.order((organizations::slug, organizations::id));
        self.tx.load(all.select(OrgEntry::as_select())).await
    }

    async fn organization(&mut self, org: OrgId) -> Result<Option<OrgEntry>, StorageError> {
        let own = organizations::table.filter(organizations::id.eq(DbUuid(org.as_uuid())));
        self.tx.find(own.select(OrgEntry::as_select())).await
    }

    async fn owners(&mut self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        let owners = directory::owners(self.tx.conn()?, keys).await;
        self.tx.check(owners)
    }

    async fn organizations(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Organization>, StorageError> {
        let stored = self.load(only).await?;
        let mut organizations: Vec<_> = stored.into_iter().map(|stored| stored.organization).collect();
        organizations.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(organizations)
    }

    async fn credentials(&mut self, org: OrgId) -> Result<Vec<SecretRow>, StorageError> {
        let access = directory::access(self.tx.conn()?, org).await;
        Ok(self.tx.check(access)?.map(|(_, credentials)| credentials).unwrap_or_default())
    }

    async fn prepare(&mut self, orgs: &[Uuid]) -> Result<(), StorageError> {
        self.lock().await?;
        for stored in self.load(Some(orgs)).await? {
            self.prepared.insert(stored.organization.id, stored);
        }
        Ok(())
    }

    async fn edit(
        &mut self,
        org: Uuid,
        stored: Option<&Entry>,
        wanted: Option<&Entry>,
    ) -> Result<(), StorageError> {
        self.lock().await?;
        let (is_prepared, mut rows) = match self.prepared.remove(&org) {
            Some(rows) => (true, Some(rows)),
            None => (false, self.load(Some(&[org])).await?.pop()),
        };
        let mut work = Work { org: DbUuid(org), stored: rows.as_mut() };
        self.write(&mut work, stored, wanted).await?;
        if let Some(rows) = rows.filter(|_| is_prepared) {
            self.prepared.insert(org, rows);
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.rollback().await
    }
}
