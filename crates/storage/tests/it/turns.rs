//! Many scopes and bookings of one organization, and a few of another.

use std::sync::Mutex;

use futures::future::{join, join_all};
use futures::poll;
use storage::repo::{Booked, NewBooking};
use storage::{OrgScope, Record, Storage};

use crate::support::{self, Fixture, at, event, on_both, on_postgres};

on_both!(a_flood_of_bookings_stands_in_line_behind_one_of_anothers);

on_postgres!(one_organizations_scopes_leave_connections_to_others);

/// A booking of a seat of its own.
fn booking(nth: u8) -> NewBooking<'static> {
    support::booking(nth, i16::from(nth), at(15, 0))
}

async fn a_flood_of_bookings_stands_in_line_behind_one_of_anothers(fixture: Fixture) {
    // Two connections, of which one organization has one: as few as SQLite's writer.
    let storage = &fixture.reopened(|config| config.max_connections = 2).await;
    let (a, b) = (&fixture.a, &fixture.b);
    let held = storage.scope(a).await.unwrap();
    let ended = &Mutex::new(Vec::new());
    let flood = (0..40).map(|nth| async move {
        let booked = storage.book(a, &booking(nth)).await.unwrap();
        ended.lock().unwrap().push("flood");
        assert!(matches!(booked, Booked::Made(_)), "{booked:?}");
    });
    let others = async {
        let booked = storage.book(b, &booking(0)).await.unwrap();
        assert!(matches!(booked, Booked::Made(_)), "{booked:?}");
        storage.record(b, Record::new(&event("an event", "call-2"))).await.unwrap();
        ended.lock().unwrap().push("others");
    };
    let (mut flood, mut others) = (Box::pin(join_all(flood)), Box::pin(others));
    assert!(poll!(&mut flood).is_pending() && poll!(&mut others).is_pending());
    if fixture.is_postgres() {
        // The other one needs nothing to end.
        (&mut others).await;
        held.rollback().await.unwrap();
        flood.await;
    } else {
        held.rollback().await.unwrap();
        join(flood, others).await;
    }
    let ended = ended.lock().unwrap();
    assert_eq!(ended.len(), 41);
    // The booking is the next one, and the event comes after one more of the flood at most for each step.
    let place = ended.iter().position(|who| *who == "others").unwrap();
    assert!(place < 10, "{place} of the flood were served first");
}

async fn open(storage: &Storage, fixture: &Fixture) -> OrgScope {
    storage.scope(&fixture.a).await.unwrap()
}

async fn one_organizations_scopes_leave_connections_to_others(fixture: Fixture) {
    let storage = &fixture.reopened(|config| config.max_connections = 5).await;
    let held = join_all((0..4).map(|_| open(storage, &fixture))).await;
    let mut waiting: Vec<_> = (0..20).map(|_| Box::pin(open(storage, &fixture))).collect();
    for scope in &mut waiting {
        assert!(poll!(scope).is_pending());
    }
    // All kinds of work with a connection of scopes.
    for nth in 0..5 {
        storage.scope(&fixture.b).await.unwrap().commit().await.unwrap();
        assert!(matches!(storage.book(&fixture.b, &booking(nth)).await.unwrap(), Booked::Made(_)));
        assert!(storage.contact(&fixture.b, "+15552010100").await.unwrap().is_some());
        assert_eq!(storage.tenant(&fixture.b).await.unwrap().profile().name, "Harbour Law");
    }
    for scope in held {
        scope.commit().await.unwrap();
    }
    for scope in waiting {
        scope.await.commit().await.unwrap();
    }
}
