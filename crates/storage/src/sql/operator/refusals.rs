//! Refusals, read with the operator's rights.

use async_trait::async_trait;
use diesel::prelude::*;

use super::session::Operator;
use crate::error::StorageError;
use crate::refusals::{RefusalCount, RefusalFilter, RefusalStore};
use crate::schema::refusals;
use crate::sql_types::{DbTime, DbUuid};

#[async_trait]
impl RefusalStore for Operator {
    async fn refusals(&mut self, filter: RefusalFilter) -> Result<Vec<RefusalCount>, StorageError> {
        let mut found = refusals::table
            .filter(refusals::last_at.ge(DbTime(filter.since)))
            .order((refusals::last_at.desc(), refusals::id.desc()))
            .limit(filter.limit)
            .select(RefusalCount::as_select())
            .into_boxed();
        if let Some(org) = filter.organization {
            found = found.filter(refusals::organization_id.eq(DbUuid(org.as_uuid())));
        }
        self.tx.load(found).await
    }
}
