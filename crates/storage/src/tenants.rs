//! What organizations declared of themselves, in memory: read once, and again after a notice of a change.
//!
//! Concurrent readers of one organization share one reading of its tables. A change that is heard of while a reading is
//! under way keeps its result out of the memory, so that old data never outlives the notice that it is old.

mod data;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use org_resolver::{LookupKey, OrgId};

pub use self::data::TenantData;
pub(crate) use self::data::TenantRows;
use crate::changes::ChangeSink;
use crate::error::StorageError;

/// Organizations share so many counters of changes. Two that share one cost each other a reading now and then.
const COUNTERS: u64 = 1024;

/// The declarations of organizations.
pub(crate) struct Tenants {
    /// Those that no notice has called old, for as long as the safety net allows.
    fresh: Cache<OrgId, Arc<TenantData>>,
    /// The last ones read, fresh or not, for when the database does not answer.
    last: Cache<OrgId, Arc<TenantData>>,
    /// Counts the notices, by the hash of the organization.
    changes: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Tenants {
    /// An empty memory of at most so many bytes. Without a notice, data is read again after `time_to_live`.
    pub(crate) fn new(max_bytes: u64, time_to_live: Duration) -> Self {
        let bounded =
            || Cache::builder().max_capacity(max_bytes).weigher(|_, data: &Arc<TenantData>| data.bytes());
        Self {
            fresh: bounded().time_to_live(time_to_live).build(),
            last: bounded().build(),
            changes: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The organization's declarations, by `read` where they are not in memory.
    pub(crate) async fn get(
        &self,
        org: OrgId,
        read: impl Future<Output = Result<TenantData, StorageError>>,
    ) -> Result<Arc<TenantData>, StorageError> {
        let before = self.counted(org);
        let reading = async {
            let data = Arc::new(read.await?);
            self.last.insert(org, Arc::clone(&data)).await;
            Ok(data)
        };
        let data = self.fresh.try_get_with(org, reading).await;
        // Looked at after the insertion: a change between the two would be missed otherwise.
        if self.counted(org) != before {
            self.fresh.invalidate(&org).await;
        }
        data.map_err(|shared: Arc<StorageError>| shared.again())
    }

    /// The declarations as they were last read, however long ago.
    pub(crate) async fn last(&self, org: OrgId) -> Option<Arc<TenantData>> {
        self.last.get(&org).await
    }

    async fn forget(&self, org: OrgId) {
        if let Some(counter) = self.counter(org) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.fresh.invalidate(&org).await;
    }

    fn forget_all(&self) {
        for counter in &self.changes {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.fresh.invalidate_all();
    }

    fn counted(&self, org: OrgId) -> Option<u64> {
        self.counter(org).map(|counter| counter.load(Ordering::SeqCst))
    }

    fn counter(&self, org: OrgId) -> Option<&AtomicU64> {
        let place = usize::try_from(self.hasher.hash_one(org) % COUNTERS).ok()?;
        self.changes.get(place)
    }
}

/// Lets the memory hear of changes before another sink does.
pub(crate) struct HeardFirst<'a> {
    pub(crate) tenants: &'a Tenants,
    pub(crate) sink: &'a dyn ChangeSink,
}

#[async_trait]
impl ChangeSink for HeardFirst<'_> {
    async fn identifier(&self, key: LookupKey) {
        self.sink.identifier(key).await;
    }

    async fn organization(&self, org: OrgId) {
        self.tenants.forget(org).await;
        self.sink.organization(org).await;
    }

    async fn tenant(&self, org: OrgId) {
        self.tenants.forget(org).await;
        self.sink.tenant(org).await;
    }

    async fn everything(&self) {
        self.tenants.forget_all();
        self.sink.everything().await;
    }

    async fn unheard(&self) {
        self.sink.unheard().await;
    }
}
