//! Contacts.

use futures::future::join_all;
use storage::repo::NewContact;

use crate::support::{A, B, Fixture, at, now, on_both};

on_both!(
    a_caller_is_found_again_and_filled_in,
    callers_without_a_number_are_never_merged,
    parallel_calls_of_one_caller_make_one_contact,
    a_contact_of_another_organization_is_a_missing_one,
);

async fn a_caller_is_found_again_and_filled_in(fixture: Fixture) {
    let phone = Some("+15552010100");
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.contacts().find_by_phone("+15552010100").await.unwrap().is_none());
    let unknown = NewContact { phone, last_call_at: Some(at(10, 0)), ..NewContact::default() };
    let first = scope.contacts().upsert(&unknown, now()).await.unwrap();
    assert_eq!((first.name.as_str(), first.phone.as_deref(), first.do_not_call), ("", phone, false));

    let named =
        NewContact { phone, name: Some("Ada"), email: Some("ada@example.org"), last_call_at: Some(at(9, 0)) };
    let second = scope.contacts().upsert(&named, now()).await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!((second.name.as_str(), second.email.as_deref()), ("Ada", Some("ada@example.org")));
    assert_eq!(second.last_call_at, Some(at(10, 0)), "an earlier call moves nothing back");

    let renamed = NewContact {
        phone,
        name: Some("Eve"),
        email: Some("eve@example.org"),
        last_call_at: Some(at(11, 0)),
    };
    let third = scope.contacts().upsert(&renamed, now()).await.unwrap();
    assert_eq!((third.name.as_str(), third.email.as_deref()), ("Ada", Some("ada@example.org")));
    assert_eq!(third.last_call_at, Some(at(11, 0)));
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.contacts().get(first.id).await.unwrap().unwrap(), third);
    assert_eq!(scope.contacts().find_by_phone("+15552010100").await.unwrap().unwrap(), third);
    assert_eq!(scope.contacts().count().await.unwrap(), 1);
}

async fn callers_without_a_number_are_never_merged(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let anonymous = NewContact { name: Some("Ada"), ..NewContact::default() };
    let one = scope.contacts().upsert(&anonymous, now()).await.unwrap();
    let other = scope.contacts().upsert(&anonymous, now()).await.unwrap();
    assert_ne!(one.id, other.id);
    assert_eq!(scope.contacts().count().await.unwrap(), 2);
}

async fn parallel_calls_of_one_caller_make_one_contact(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..12).map(|_| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let news = NewContact { phone: Some("+15552010100"), name: Some("Ada"), ..NewContact::default() };
        let contact = scope.contacts().upsert(&news, now()).await.unwrap();
        scope.commit().await.unwrap();
        contact.id
    });
    let ids = join_all(work).await;
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{A}'")).await, 1);
}

async fn a_contact_of_another_organization_is_a_missing_one(fixture: Fixture) {
    let ada = NewContact { phone: Some("+15552010100"), name: Some("Ada"), ..NewContact::default() };
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let own = scope.contacts().upsert(&ada, now()).await.unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.contacts().get(own.id).await.unwrap().is_none());
    assert!(scope.contacts().find_by_phone("+15552010100").await.unwrap().is_none());
    assert_eq!(scope.contacts().count().await.unwrap(), 0);
    let others = scope.contacts().upsert(&NewContact { name: Some("Eve"), ..ada }, now()).await.unwrap();
    assert_ne!(others.id, own.id);
    scope.commit().await.unwrap();

    assert_eq!(fixture.count("contacts", &format!("organization_id = '{A}' AND name = 'Ada'")).await, 1);
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{B}' AND name = 'Eve'")).await, 1);
}
