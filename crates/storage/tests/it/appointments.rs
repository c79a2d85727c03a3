//! Appointments: no place is ever taken twice.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use scheduling::Busy;
use storage::repo::{ContactId, NewAppointment, NewContact};
use uuid::Uuid;

use crate::support::{A, B, Fixture, at, now, on_both};

on_both!(
    an_appointment_is_kept_as_it_was_made,
    a_taken_place_is_refused_and_the_scope_goes_on,
    a_hundred_bookings_of_one_place_make_one_appointment,
    a_cancelled_appointment_frees_its_place,
    buffers_and_neighbours,
    appointments_are_listed_soonest_first,
    an_appointment_of_another_organization_is_a_missing_one,
);

fn appointment(starts_at: DateTime<Utc>) -> NewAppointment<'static> {
    let ends_at = starts_at + TimeDelta::minutes(30);
    NewAppointment {
        contact_id: None,
        service: Some("consultation"),
        resource_id: Uuid::nil(),
        seat: 0,
        starts_at,
        ends_at,
        blocked_until: ends_at,
        patient_name: "Ada",
        patient_phone: Some("+15552010100"),
        patient_email: Some("ada@example.org"),
        vapi_call_id: Some("call-1"),
        tool_call_id: Some("tool-1"),
    }
}

async fn an_appointment_is_kept_as_it_was_made(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let caller = NewContact { phone: Some("+15552010100"), ..NewContact::default() };
    let contact = scope.contacts().upsert(&caller, now()).await.unwrap();
    let new = NewAppointment { contact_id: Some(contact.id), seat: 2, ..appointment(at(15, 0)) };
    let id = scope.appointments().insert(&new, now()).await.unwrap().unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let read = scope.appointments().get(id).await.unwrap().unwrap();
    assert_eq!((read.id, read.contact_id), (id, Some(contact.id)));
    assert_eq!(
        (read.service.as_deref(), read.resource_id, read.seat),
        (Some("consultation"), Uuid::nil(), 2)
    );
    assert_eq!((read.starts_at, read.ends_at, read.status.as_str()), (at(15, 0), at(15, 30), "booked"));
    assert_eq!((read.patient_name.as_str(), read.patient_phone.as_deref()), ("Ada", Some("+15552010100")));
    assert_eq!(read.patient_email.as_deref(), Some("ada@example.org"));
    assert_eq!(fixture.count("appointments", "vapi_call_id = 'call-1' AND tool_call_id = 'tool-1'").await, 1);
}

async fn a_taken_place_is_refused_and_the_scope_goes_on(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.appointments().insert(&appointment(at(15, 0)), now()).await.unwrap().is_some());
    for minute in [1, 29] {
        assert!(scope.appointments().insert(&appointment(at(15, minute)), now()).await.unwrap().is_none());
    }
    assert!(scope.appointments().insert(&appointment(at(14, 31)), now()).await.unwrap().is_none());
    assert!(scope.appointments().insert(&appointment(at(15, 30)), now()).await.unwrap().is_some());
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("appointments", "status = 'booked'").await, 2);
}

async fn a_hundred_bookings_of_one_place_make_one_appointment(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..100).map(|number| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        // Overlapping, not equal: a unique index would not be enough.
        let starts_at = at(15, number % 30);
        let made = scope.appointments().insert(&appointment(starts_at), now()).await.unwrap();
        scope.commit().await.unwrap();
        made
    });
    let made = join_all(work).await;
    assert_eq!(made.iter().flatten().count(), 1);
    assert_eq!(fixture.count("appointments", &format!("organization_id = '{A}'")).await, 1);
}

async fn a_cancelled_appointment_frees_its_place(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let id = scope.appointments().insert(&appointment(at(15, 0)), now()).await.unwrap().unwrap();
    assert!(scope.appointments().cancel(id).await.unwrap());
    assert!(!scope.appointments().cancel(id).await.unwrap(), "only once");
    assert_eq!(scope.appointments().get(id).await.unwrap().unwrap().status, "cancelled");
    assert!(scope.appointments().busy(at(0, 0), at(23, 0)).await.unwrap().is_empty());
    assert!(scope.appointments().insert(&appointment(at(15, 0)), now()).await.unwrap().is_some());
    scope.commit().await.unwrap();
}

async fn buffers_and_neighbours(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let chair = Uuid::from_u128(5);
    let buffered = NewAppointment { blocked_until: at(15, 45), resource_id: chair, ..appointment(at(15, 0)) };
    assert!(scope.appointments().insert(&buffered, now()).await.unwrap().is_some());
    let within = NewAppointment { resource_id: chair, ..appointment(at(15, 40)) };
    assert!(scope.appointments().insert(&within, now()).await.unwrap().is_none());
    // Another seat, and another resource, are other places.
    assert!(
        scope
            .appointments()
            .insert(&NewAppointment { seat: 1, ..within.clone() }, now())
            .await
            .unwrap()
            .is_some()
    );
    let elsewhere = NewAppointment { resource_id: Uuid::from_u128(6), ..within };
    assert!(scope.appointments().insert(&elsewhere, now()).await.unwrap().is_some());

    let busy = scope.appointments().busy(at(15, 0), at(15, 40)).await.unwrap();
    assert_eq!(busy, [Busy { resource_id: chair, seat: 0, from: at(15, 0), to: at(15, 45) }]);
    assert_eq!(scope.appointments().busy(at(15, 44), at(16, 30)).await.unwrap().len(), 3);
    assert_eq!(scope.appointments().busy(at(15, 45), at(16, 30)).await.unwrap().len(), 2);
    assert!(scope.appointments().busy(at(10, 0), at(15, 0)).await.unwrap().is_empty());
}

async fn appointments_are_listed_soonest_first(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    for hour in [16, 14, 18] {
        scope.appointments().insert(&appointment(at(hour, 0)), now()).await.unwrap().unwrap();
    }
    let mut starts = async |from, limit| {
        let listed = scope.appointments().list(from, limit).await.unwrap();
        listed.into_iter().map(|one| one.starts_at).collect::<Vec<_>>()
    };
    assert_eq!(starts(at(14, 0), 10).await, [at(14, 0), at(16, 0), at(18, 0)]);
    assert_eq!(starts(at(14, 1), 1).await, [at(16, 0)]);
}

async fn an_appointment_of_another_organization_is_a_missing_one(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let own = scope.appointments().insert(&appointment(at(15, 0)), now()).await.unwrap().unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.appointments().get(own).await.unwrap().is_none());
    assert!(!scope.appointments().cancel(own).await.unwrap());
    assert!(scope.appointments().busy(at(0, 0), at(23, 0)).await.unwrap().is_empty());
    assert!(scope.appointments().list(at(0, 0), 10).await.unwrap().is_empty());
    // The same time is free here; a contact's id from elsewhere opens nothing.
    let new = NewAppointment { contact_id: Some(ContactId(Uuid::from_u128(1))), ..appointment(at(15, 0)) };
    assert!(scope.appointments().insert(&new, now()).await.unwrap().is_some());
    scope.commit().await.unwrap();

    assert_eq!(
        fixture.count("appointments", &format!("organization_id = '{A}' AND status = 'booked'")).await,
        1
    );
    assert_eq!(
        fixture.count("appointments", &format!("organization_id = '{B}' AND status = 'booked'")).await,
        1
    );
}
