//! Records and the contacts.

use storage::repo::Contact;
use storage::{CallUpdate, CallerUpdate, Record, ReportUpdate};

use super::ledger::step;
use super::record_all;
use crate::support::{A, B, Fixture, at, event, on_both};

on_both!(
    national_numbers_count_in_the_organizations_region,
    what_is_no_number_makes_no_contact,
    a_call_is_tied_to_its_contact,
    what_is_known_of_a_caller_is_kept,
    callers_of_one_batch_are_filled_in_together,
    a_contact_without_a_call_in_the_ledger,
    values_that_fit_no_column_stay_in_the_body,
);

fn caller(number: &str) -> CallerUpdate {
    CallerUpdate { number: number.to_owned(), name: None, email: None, last_call_at: None }
}

fn record(key: &str, call: &str, caller: CallerUpdate) -> Record {
    Record::new(&event(key, call)).with_call_update(step(1, "")).with_caller(caller)
}

async fn contact(fixture: &Fixture, phone: &str) -> Contact {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let contact = scope.contacts().find_by_phone(phone).await.unwrap().unwrap();
    scope.commit().await.unwrap();
    contact
}

async fn national_numbers_count_in_the_organizations_region(fixture: Fixture) {
    // Northgate is in the US and Harbour in Great Britain; both numbers are of the ranges kept for fiction.
    let records = [
        (&fixture.a, record("k1", "call-1", caller("(202) 555-0143"))),
        (&fixture.a, record("k2", "call-2", caller("+1 202 555 0143"))),
        (&fixture.b, record("k1", "call-3", caller("020 7946 0018"))),
        (&fixture.b, record("k2", "call-4", caller("+1 202-555-0143"))),
    ];
    let recorded = record_all(&fixture.storage, records).await;
    assert!(recorded.iter().all(|one| one.has_contact));
    for (organization, phones) in [(A, &["+12025550143"][..]), (B, &["+442079460018", "+12025550143"])] {
        for phone in phones {
            let condition = format!("organization_id = '{organization}' AND phone = '{phone}'");
            assert_eq!(fixture.count("contacts", &condition).await, 1, "{condition}");
        }
        let condition = format!("organization_id = '{organization}'");
        assert_eq!(fixture.count("contacts", &condition).await, i64::try_from(phones.len()).unwrap());
    }
}

async fn what_is_no_number_makes_no_contact(fixture: Fixture) {
    let numbers = ["", "anonymous", "private number", "12", "+", "\0", "+1202555014300000000"];
    let keys: Vec<_> = (0..numbers.len()).map(|n| format!("k{n}")).collect();
    let records = keys.iter().zip(numbers);
    let records = records.map(|(key, number)| (&fixture.a, record(key, "call-1", caller(number))));
    let recorded = record_all(&fixture.storage, records).await;
    assert!(recorded.iter().all(|one| one.is_new && !one.has_contact), "{recorded:?}");
    assert_eq!(fixture.count("contacts", "true").await, 0);
    assert_eq!(fixture.count("call_logs", "contact_id IS NULL").await, 1);
}

async fn a_call_is_tied_to_its_contact(fixture: Fixture) {
    let records = [
        (&fixture.a, record("k1", "call-1", caller("+12025550143"))),
        (&fixture.a, record("k2", "call-2", caller("+12025550144"))),
        (&fixture.b, record("k3", "call-3", caller("+12025550143"))),
        // A later message without a caller unties nothing.
        (&fixture.a, Record::new(&event("k4", "call-1")).with_call_update(step(2, ""))),
    ];
    record_all(&fixture.storage, records).await;
    fixture
        .storage
        .record(&fixture.a, Record::new(&event("k5", "call-2")).with_call_update(step(2, "")))
        .await
        .unwrap();
    for (organization, call, phone) in
        [(A, "call-1", "+12025550143"), (A, "call-2", "+12025550144"), (B, "call-3", "+12025550143")]
    {
        let condition = format!(
            "organization_id = '{organization}' AND vapi_call_id = '{call}' AND contact_id =
             (SELECT c.id FROM contacts c WHERE c.organization_id = '{organization}' AND c.phone = '{phone}')"
        );
        assert_eq!(fixture.count("call_logs", &condition).await, 1, "{call}");
    }
}

async fn what_is_known_of_a_caller_is_kept(fixture: Fixture) {
    let known = CallerUpdate {
        name: Some("Ada".to_owned()),
        last_call_at: Some(at(10, 0)),
        ..caller("+12025550143")
    };
    fixture.storage.record(&fixture.a, record("k1", "call-1", known)).await.unwrap();
    let first = contact(&fixture, "+12025550143").await;
    assert_eq!((first.name.as_str(), &first.email, first.last_call_at), ("Ada", &None, Some(at(10, 0))));
    let news = CallerUpdate {
        name: Some("Eve".to_owned()),
        email: Some("ada@example.org".to_owned()),
        last_call_at: Some(at(9, 0)),
        ..caller("+12025550143")
    };
    fixture.storage.record(&fixture.a, record("k2", "call-2", news)).await.unwrap();
    let filled = contact(&fixture, "+12025550143").await;
    assert_eq!(filled, Contact { email: Some("ada@example.org".to_owned()), ..first });
}

async fn callers_of_one_batch_are_filled_in_together(fixture: Fixture) {
    let number = "+12025550143";
    let records = [
        ("k1", CallerUpdate { last_call_at: Some(at(10, 0)), ..caller(number) }),
        (
            "k2",
            CallerUpdate { name: Some("Ada".to_owned()), last_call_at: Some(at(11, 0)), ..caller(number) },
        ),
        ("k3", CallerUpdate { name: Some("Eve".to_owned()), last_call_at: Some(at(9, 0)), ..caller(number) }),
        ("k4", CallerUpdate { email: Some("ada@example.org".to_owned()), ..caller("(202) 555-0143") }),
    ];
    let records = records.map(|(key, caller)| (&fixture.a, record(key, "call-1", caller)));
    record_all(&fixture.storage, records).await;
    let filled = contact(&fixture, number).await;
    assert_eq!((filled.name.as_str(), filled.email.as_deref()), ("Ada", Some("ada@example.org")));
    assert_eq!(filled.last_call_at, Some(at(11, 0)));
    assert_eq!(fixture.count("contacts", "true").await, 1);
}

async fn a_contact_without_a_call_in_the_ledger(fixture: Fixture) {
    let record = Record::new(&event("k1", "call-1")).with_caller(caller("+12025550143"));
    assert!(fixture.storage.record(&fixture.a, record).await.unwrap().has_contact);
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{A}'")).await, 1);
    assert_eq!(fixture.count("call_logs", "true").await, 0);
}

/// A year that no column holds, or a number that no index does, costs the message its place in that column and nothing
/// else, and costs the caller's later messages nothing.
async fn values_that_fit_no_column_stay_in_the_body(fixture: Fixture) {
    let odd = [
        "+12000-01-01T00:00:00Z",
        "-5000-06-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
    ];
    let ada = "+12025550143";
    for (n, year) in odd.into_iter().enumerate() {
        let year = Some(year.parse().unwrap());
        let report =
            ReportUpdate { ended_at: year, transcript: Some("Hello.".to_owned()), ..ReportUpdate::default() };
        let update = CallUpdate {
            at: year,
            started_at: year,
            report: Some(Box::new(report)),
            ..CallUpdate::default()
        };
        let record = Record::new(&event(&format!("k{n}"), &format!("call-{n}")))
            .with_call_update(update)
            .with_caller(CallerUpdate { last_call_at: year, ..caller(ada) });
        let recorded = fixture.storage.record(&fixture.a, record).await.unwrap();
        assert!(recorded.is_new && recorded.ledger_changed && recorded.has_contact, "{recorded:?}");
    }
    let long = format!("sip:{}@example.org", "a".repeat(2700));
    let recorded =
        fixture.storage.record(&fixture.a, record("k-sip", "call-sip", caller(&long))).await.unwrap();
    assert!(recorded.is_new && recorded.ledger_changed && !recorded.has_contact, "{recorded:?}");
    assert_eq!(fixture.count("webhook_events", "verdict = 'drifted'").await, 5);
    assert_eq!(fixture.count("call_reports", "transcript = 'Hello.'").await, 4);
    assert_eq!(fixture.count("call_logs", "started_at IS NULL AND ended_at IS NULL").await, 5);

    let usual = CallerUpdate { last_call_at: Some(at(10, 0)), ..caller(ada) };
    let recorded = fixture.storage.record(&fixture.a, record("k-usual", "call-usual", usual)).await.unwrap();
    assert!(recorded.is_new && recorded.has_contact);
    assert_eq!(contact(&fixture, ada).await.last_call_at, Some(at(10, 0)));
    assert_eq!(fixture.count("webhook_events", "verdict = 'accepted'").await, 1);
}
