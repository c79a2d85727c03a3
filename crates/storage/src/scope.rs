//! The doors. A scope is one transaction inside one organization: commit consumes it, dropping it rolls back.

use std::fmt;

use async_trait::async_trait;
use org_resolver::OrgId;

use crate::error::StorageError;
use crate::repo::{
    Appointments, Bookings, Calls, Contacts, Declared, Events, Inbox, SecurityLog, ToolResults,
};

/// Everything a backend offers inside one organization.
#[async_trait]
pub(crate) trait TenantStore:
    Calls + Events + Inbox + ToolResults + Contacts + Appointments + Bookings + Declared + SecurityLog + Send
{
    /// Makes the transaction's writes durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;

    /// Gives the transaction up in good order, so that its connection can be used again.
    async fn rollback(self: Box<Self>) -> Result<(), StorageError>;
}

/// One organization's data, for one unit of work.
///
/// Opened with a [`VerifiedOrg`](org_resolver::VerifiedOrg), or with the [`AuditedOrg`](crate::AuditedOrg) of an operator
/// whose name and reason are in the audit log by then; with nothing else. Never held across a wait for the network.
#[must_use = "a scope that is not committed is rolled back"]
pub struct OrgScope {
    org: OrgId,
    store: Box<dyn TenantStore>,
}

impl OrgScope {
    pub(crate) fn new(org: OrgId, store: Box<dyn TenantStore>) -> Self {
        Self { org, store }
    }

    /// The organization, for log lines.
    pub fn org_id(&self) -> OrgId {
        self.org
    }

    /// Bookings whole.
    pub fn bookings(&mut self) -> &mut dyn Bookings {
        &mut *self.store
    }

    /// The ledger.
    pub fn calls(&mut self) -> &mut dyn Calls {
        &mut *self.store
    }

    /// The inbox.
    pub fn events(&mut self) -> &mut dyn Events {
        &mut *self.store
    }

    /// The inbox, for looking at what was stored before.
    pub fn inbox(&mut self) -> &mut dyn Inbox {
        &mut *self.store
    }

    /// The stored tool results.
    pub fn tool_results(&mut self) -> &mut dyn ToolResults {
        &mut *self.store
    }

    /// The contacts.
    pub fn contacts(&mut self) -> &mut dyn Contacts {
        &mut *self.store
    }

    /// The appointments.
    pub fn appointments(&mut self) -> &mut dyn Appointments {
        &mut *self.store
    }

    /// The operator's declarations.
    pub fn declared(&mut self) -> &mut dyn Declared {
        &mut *self.store
    }

    /// The security log.
    pub fn security_log(&mut self) -> &mut dyn SecurityLog {
        &mut *self.store
    }

    /// Makes every write of the scope durable; the caller may acknowledge afterwards.
    ///
    /// # Errors
    /// [`StorageError`] when the commit fails: then nothing of the scope is kept.
    pub async fn commit(self) -> Result<(), StorageError> {
        self.store.commit().await
    }

    /// Gives the scope up: what dropping does too, at the price of its connection.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer; nothing of the scope is kept either way.
    pub async fn rollback(self) -> Result<(), StorageError> {
        self.store.rollback().await
    }
}

impl fmt::Debug for OrgScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgScope").field("org", &self.org).finish_non_exhaustive()
    }
}
