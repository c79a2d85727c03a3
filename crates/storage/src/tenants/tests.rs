//! Readings that meet changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono_tz::Tz;
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::*;
use crate::rows::OrgRow;
use crate::sql_types::DbTextList;

fn tenants() -> Tenants {
    Tenants::new(1 << 20, Duration::from_secs(3600))
}

fn org(n: u128) -> OrgId {
    OrgId::new(Uuid::from_u128(n))
}

fn declared(zone: &str) -> Result<TenantData, StorageError> {
    let organization = OrgRow {
        id: Uuid::nil(),
        slug: None,
        name: "Northgate Dental".to_owned(),
        timezone: zone.to_owned(),
        region: "US".to_owned(),
        primary_language: "en".to_owned(),
        secondary_languages: DbTextList(Vec::new()),
        vapi_org_id: None,
        settings: json!({}),
        limits: json!({}),
        retention: json!({}),
        is_active: true,
    };
    let rows = TenantRows {
        organization,
        agents: Vec::new(),
        numbers: Vec::new(),
        hours: Vec::new(),
        closures: Vec::new(),
        services: Vec::new(),
        resources: Vec::new(),
        transfers: Vec::new(),
    };
    TenantData::read(rows)
}

async fn zone(tenants: &Tenants, n: u128, declared_zone: &str) -> Tz {
    let data = tenants.get(org(n), async { declared(declared_zone) }).await.unwrap();
    data.profile().timezone
}

#[tokio::test]
async fn what_was_read_is_kept_until_it_changes() {
    let tenants = tenants();
    assert_eq!(zone(&tenants, 1, "Europe/Paris").await, Tz::Europe__Paris);
    assert_eq!(zone(&tenants, 1, "Asia/Tokyo").await, Tz::Europe__Paris);
    tenants.forget(org(2)).await;
    assert_eq!(zone(&tenants, 1, "Asia/Tokyo").await, Tz::Europe__Paris);
    tenants.forget(org(1)).await;
    assert_eq!(zone(&tenants, 1, "Asia/Tokyo").await, Tz::Asia__Tokyo);
    tenants.forget_all();
    assert_eq!(zone(&tenants, 1, "Europe/Paris").await, Tz::Europe__Paris);
}

#[tokio::test]
async fn a_reading_that_a_change_overtakes_is_not_kept() {
    for everything in [false, true] {
        let tenants = Arc::new(tenants());
        let (begun, is_begun) = oneshot::channel();
        let (go_on, wait) = oneshot::channel::<()>();
        let reading = tokio::spawn({
            let tenants = Arc::clone(&tenants);
            async move {
                let read = async {
                    begun.send(()).unwrap();
                    wait.await.unwrap();
                    declared("Europe/Paris")
                };
                tenants.get(org(1), read).await.unwrap().profile().timezone
            }
        });
        is_begun.await.unwrap();
        if everything {
            tenants.forget_all();
        } else {
            tenants.forget(org(1)).await;
        }
        go_on.send(()).unwrap();
        assert_eq!(reading.await.unwrap(), Tz::Europe__Paris);
        assert_eq!(zone(&tenants, 1, "Asia/Tokyo").await, Tz::Asia__Tokyo, "{everything}");
    }
}

#[tokio::test]
async fn readers_of_one_organization_share_a_reading() {
    let tenants = tenants();
    let readings = AtomicUsize::new(0);
    let read = || async {
        readings.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        declared("Europe/Paris")
    };
    let all = (0..50).map(|_| tenants.get(org(1), read()));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(readings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept_and_the_last_reading_is() {
    let tenants = tenants();
    assert!(tenants.last(org(1)).await.is_none());
    zone(&tenants, 1, "Europe/Paris").await;
    tenants.forget(org(1)).await;
    let failed = tenants.get(org(1), async { Err(StorageError::unavailable("away")) }).await;
    assert!(matches!(failed, Err(StorageError::Unavailable(_))));
    assert_eq!(tenants.last(org(1)).await.unwrap().profile().timezone, Tz::Europe__Paris);
    assert_eq!(zone(&tenants, 1, "Asia/Tokyo").await, Tz::Asia__Tokyo);
    assert_eq!(tenants.last(org(1)).await.unwrap().profile().timezone, Tz::Asia__Tokyo);
}

#[tokio::test]
async fn memory_is_bounded_by_bytes() {
    let one = declared("Europe/Paris").unwrap().bytes();
    let tenants = Tenants::new(u64::from(one) * 10, Duration::from_secs(3600));
    for n in 0..1000 {
        zone(&tenants, n, "Europe/Paris").await;
    }
    for cache in [&tenants.fresh, &tenants.last] {
        cache.run_pending_tasks().await;
        assert!(cache.weighted_size() <= u64::from(one) * 10, "{}", cache.weighted_size());
    }
    assert_eq!(zone(&tenants, 1000, "Asia/Tokyo").await, Tz::Asia__Tokyo);
}
