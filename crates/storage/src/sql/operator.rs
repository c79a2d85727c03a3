//! The operator's transaction: reading every organization, and the audit log.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use org_resolver::OrgId;
use serde_json::{Map, Value};
use tenant::{Entry, Organization};
use uuid::Uuid;

use super::directory;
use super::operator_apply::Work;
use super::{Tx, dialect};
use crate::backend::CredentialRow;
use crate::error::StorageError;
use crate::operator::rows::{
    AgentRow, ClosureRow, ConfigurationRow, HoursRow, KnowledgeRow, MappingRow, NumberRow, OrgRow, Owned,
    ResourceRow, Rows, SecretRow, ServiceRow, TransferRow,
};
use crate::operator::stored::Stored;
use crate::operator::{OperatorStore, OrgEntry};
use crate::schema::{
    agents, audit_log, closures, credentials, customer_configurations, knowledge_documents, opening_hours,
    organizations, phone_number_mapping, phone_numbers, resources, services, transfer_destinations,
};
use crate::seal::Sealer;
use crate::sql_types::{DbJson, DbUuid};
use crate::text::{clean, clean_json};

/// Up to so many organizations are read by their ids; beyond, everything is.
const NAMED_AT_MOST: usize = 500;

type EntryRow = (DbUuid, Option<String>, String, bool);

fn entry((id, slug, name, is_active): EntryRow) -> OrgEntry {
    OrgEntry { id: OrgId::new(id.0), slug, name, is_active }
}

/// A transaction that sees every organization.
pub(super) struct Operator {
    pub(super) tx: Tx,
    pub(super) sealer: Sealer,
    actor: String,
    reason: String,
    /// The rows of organizations that were prepared.
    pub(super) prepared: HashMap<Uuid, Stored>,
    is_locked: bool,
}

impl Operator {
    pub(super) async fn new(mut tx: Tx, sealer: Sealer) -> Result<Self, StorageError> {
        let ready = dialect::prepare_operator(tx.conn()?).await;
        tx.check(ready)?;
        Ok(Self {
            tx,
            sealer,
            actor: String::new(),
            reason: String::new(),
            prepared: HashMap::new(),
            is_locked: false,
        })
    }

    /// Operators who change something take turns.
    async fn lock(&mut self) -> Result<(), StorageError> {
        if !self.is_locked {
            let locked = dialect::lock_operators(self.tx.conn()?).await;
            self.tx.check(locked)?;
            self.is_locked = true;
        }
        Ok(())
    }

    /// Changes an entry: makes it where none was, takes it away where none is wanted.
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

    /// The rows of some organizations, or of all.
    pub(super) async fn load(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Stored>, StorageError> {
        let only: Option<Vec<DbUuid>> = only
            .filter(|ids| ids.len() <= NAMED_AT_MOST)
            .map(|ids| ids.iter().copied().map(DbUuid).collect());
        macro_rules! rows {
            ($row:ident of $table:ident by $owner:ident, $order:expr) => {{
                let query = $table::table.order($order).select($row::as_select());
                let found = match &only {
                    Some(ids) => query.filter($table::$owner.eq_any(ids)).load::<$row>(self.tx.conn()?).await,
                    None => query.load::<$row>(self.tx.conn()?).await,
                };
                self.tx.check(found)?
            }};
        }
        let orgs = rows!(OrgRow of organizations by id, organizations::id);
        let mut by_owner: HashMap<Uuid, Rows> = HashMap::new();
        macro_rules! sort {
            ($row:ident of $table:ident into $list:ident, $order:expr) => {
                for row in rows!($row of $table by organization_id, $order) {
                    by_owner.entry(row.owner()).or_default().$list.push(row);
                }
            };
        }
        // By what they are known; where two rows may say the same, the one that was there first counts.
        sort!(AgentRow of agents into agents, (agents::vapi_assistant_id, agents::id));
        sort!(
            ConfigurationRow of customer_configurations into configurations,
            (customer_configurations::created_at, customer_configurations::id)
        );
        sort!(NumberRow of phone_numbers into numbers, (phone_numbers::created_at, phone_numbers::id));
        sort!(
            MappingRow of phone_number_mapping into mappings,
            (phone_number_mapping::created_at, phone_number_mapping::id)
        );
        sort!(SecretRow of credentials into credentials, (credentials::label, credentials::id));
        sort!(ServiceRow of services into services, (services::name, services::id));
        sort!(ResourceRow of resources into resources, (resources::name, resources::id));
        sort!(HoursRow of opening_hours into hours, (opening_hours::weekday, opening_hours::opens));
        sort!(ClosureRow of closures into closures, (closures::from_date, closures::to_date, closures::id));
        sort!(
            TransferRow of transfer_destinations into transfers,
            (transfer_destinations::department, transfer_destinations::id)
        );
        sort!(
            KnowledgeRow of knowledge_documents into knowledge,
            (knowledge_documents::path, knowledge_documents::id)
        );
        let mut stored = Vec::new();
        for org in orgs {
            let rows = by_owner.remove(&org.id.0).unwrap_or_default();
            stored.push(Stored::read(org, rows, &self.sealer)?);
        }
        Ok(stored)
    }
}

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
        let written = diesel::insert_into(audit_log::table)
            .values((
                audit_log::actor.eq(&self.actor),
                audit_log::action.eq(action),
                audit_log::subject.eq(clean(subject)),
                audit_log::detail.eq(DbJson(clean_json(Value::Object(detail)))),
            ))
            .execute(self.tx.conn()?)
            .await;
        self.tx.check(written).map(|_| ())
    }

    async fn list(&mut self) -> Result<Vec<OrgEntry>, StorageError> {
        let found = organizations::table
            .order((organizations::slug, organizations::id))
            .select((organizations::id, organizations::slug, organizations::name, organizations::is_active))
            .load::<EntryRow>(self.tx.conn()?)
            .await;
        Ok(self.tx.check(found)?.into_iter().map(entry).collect())
    }

    async fn organization(&mut self, org: OrgId) -> Result<Option<OrgEntry>, StorageError> {
        let found = organizations::table
            .filter(organizations::id.eq(DbUuid(org.as_uuid())))
            .select((organizations::id, organizations::slug, organizations::name, organizations::is_active))
            .first::<EntryRow>(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(entry))
    }

    async fn organizations(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Organization>, StorageError> {
        let stored = self.load(only).await?;
        let mut organizations: Vec<_> = stored.into_iter().map(|stored| stored.organization).collect();
        organizations.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(organizations)
    }

    async fn credentials(&mut self, org: OrgId) -> Result<Vec<CredentialRow>, StorageError> {
        let access = directory::access(self.tx.conn()?, org).await;
        Ok(self.tx.check(access)?.map(|access| access.credentials).unwrap_or_default())
    }

    async fn prepare(&mut self, orgs: &[Uuid]) -> Result<(), StorageError> {
        self.lock().await?;
        for stored in self.load(Some(orgs)).await? {
            self.prepared.insert(stored.organization.id, stored);
        }
        Ok(())
    }

    async fn insert(&mut self, org: Uuid, entry: &Entry) -> Result<(), StorageError> {
        self.edit(org, None, Some(entry)).await
    }

    async fn update(&mut self, org: Uuid, stored: &Entry, wanted: &Entry) -> Result<(), StorageError> {
        self.edit(org, Some(stored), Some(wanted)).await
    }

    async fn delete(&mut self, org: Uuid, entry: &Entry) -> Result<(), StorageError> {
        self.edit(org, Some(entry), None).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.rollback().await
    }
}
