//! Bookings whole: what belongs to one stands or falls together.

use futures::future::join_all;
use serde_json::json;
use storage::repo::{Booked, EffectId, KeyHash, NewBooking, NewContact, NewToolResult, ToolAnswer};
use storage::{CallUpdate, Record, Recorded};
use uuid::Uuid;

use crate::support::{A, B, Fixture, at, erasure, event, now, on_both, on_postgres};

on_both!(
    a_booking_makes_everything,
    the_same_tool_call_books_once,
    the_same_wish_books_once_and_again_when_it_was_undone,
    a_taken_place_makes_nothing,
    places_are_tried_in_their_order,
    races_fill_the_seats_and_no_more,
    races_of_one_wish_make_one_appointment,
    a_booking_inside_a_scope_goes_with_it,
    bookings_of_another_organization_are_none,
    characters_that_no_column_holds_cost_no_booking,
    a_message_and_its_booking_are_kept_together,
    a_message_is_kept_without_a_booking_that_fails,
    a_repeated_message_books_once,
    a_message_is_kept_though_every_place_is_taken,
    races_of_messages_fill_the_seats_and_no_more,
    races_of_one_message_book_once,
    contested_and_erased_calls_book_too,
    messages_and_bookings_of_two_organizations_stay_apart,
);

on_postgres!(
    a_commit_that_fails_books_nothing,
    a_commit_that_fails_leaves_the_message,
    a_message_does_not_wait_for_its_booking,
    a_message_and_its_booking_are_one_transaction,
);

const CHAIR: Uuid = Uuid::from_u128(5);

fn answer(text: &str) -> ToolAnswer {
    ToolAnswer::Result(text.into())
}

/// A booking of seat 0 at three, for the tool call `tool-n` of the phone call `call-1`.
fn booking(tool_call: &'static str, key: u8, wish: u8) -> NewBooking<'static> {
    NewBooking {
        call: NewToolResult {
            key: KeyHash([key; 32]),
            vapi_call_id: "call-1",
            tool_call_id: tool_call,
            tool: "bookAppointment",
        },
        effect: Some(KeyHash([wish; 32])),
        contact: NewContact {
            phone: Some("+15552010100"),
            name: Some("Ada"),
            email: Some("ada@example.org"),
            last_call_at: Some(now()),
        },
        service: Some("consultation"),
        places: vec![(CHAIR, 0)],
        starts_at: at(15, 0),
        ends_at: at(15, 30),
        blocked_until: at(15, 40),
        answer: answer("You are booked for three."),
        now: now(),
    }
}

async fn book(fixture: &Fixture, booking: &NewBooking<'_>) -> Booked {
    fixture.storage.book(&fixture.a, booking).await.unwrap()
}

/// A message of the phone call `call-1` that asks for a booking.
fn message(key: &str) -> Record {
    let status = Some((3, "in-progress".to_owned()));
    Record::new(&event(key, "call-1"))
        .with_call_update(CallUpdate { status, ..CallUpdate::default() })
        .with_alarm(json!({}))
}

/// Records and books as a gateway does: a booking that failed with its message is tried on its own.
async fn keep(fixture: &Fixture, key: &str, booking: &NewBooking<'_>) -> (Recorded, Booked) {
    let (recorded, tried) = fixture.storage.record_and_book(&fixture.a, message(key), booking).await.unwrap();
    match tried {
        Some(booked) => (recorded, booked),
        None => (recorded, book(fixture, booking).await),
    }
}

async fn a_booking_makes_everything(fixture: Fixture) {
    let Booked::Made(id) = book(&fixture, &booking("tool-1", 1, 101)).await else { panic!() };
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let made = scope.appointments().get(id).await.unwrap().unwrap();
    assert_eq!((made.starts_at, made.ends_at, made.status.as_str()), (at(15, 0), at(15, 30), "booked"));
    assert_eq!((made.resource_id, made.seat, made.service.as_deref()), (CHAIR, 0, Some("consultation")));
    assert_eq!((made.patient_name.as_str(), made.patient_phone.as_deref()), ("Ada", Some("+15552010100")));
    assert_eq!(made.patient_email.as_deref(), Some("ada@example.org"));
    let contact = scope.contacts().find_by_phone("+15552010100").await.unwrap().unwrap();
    assert_eq!(made.contact_id, Some(contact.id));
    assert_eq!((contact.name.as_str(), contact.last_call_at), ("Ada", Some(now())));
    let busy = scope.appointments().busy(at(0, 0), at(23, 0)).await.unwrap();
    assert_eq!(busy.iter().map(|busy| busy.to).collect::<Vec<_>>(), [at(15, 40)]);
    scope.commit().await.unwrap();
    let kept = "vapi_call_id = 'call-1' AND tool_call_id = 'tool-1'";
    assert_eq!(fixture.count("appointments", kept).await, 1);
    assert_eq!(fixture.count("tool_results", &format!("{kept} AND answer IS NOT NULL")).await, 2);
}

async fn a_commit_that_fails_books_nothing(fixture: Fixture) {
    fixture.refuse_at_commit("appointments").await;
    assert!(fixture.storage.book(&fixture.a, &booking("tool-1", 1, 101)).await.is_err());
    assert_eq!(fixture.count("appointments", "true").await, 0);
    assert_eq!(fixture.count("tool_results", "true").await, 0);
}

async fn a_commit_that_fails_leaves_the_message(fixture: Fixture) {
    fixture.refuse_at_commit("appointments").await;
    assert_message_alone(&fixture).await;
}

async fn a_message_is_kept_without_a_booking_that_fails(fixture: Fixture) {
    fixture
        .execute(if fixture.is_postgres() {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON appointments FOR EACH ROW EXECUTE FUNCTION refuse();"
        } else {
            "CREATE TRIGGER refuse BEFORE INSERT ON appointments BEGIN SELECT RAISE(ABORT, 'no'); END;"
        })
        .await;
    assert_message_alone(&fixture).await;
}

/// Sends a message whose booking cannot be made.
async fn assert_message_alone(fixture: &Fixture) {
    let wish = booking("tool-1", 1, 101);
    let kept = fixture.storage.record_and_book(&fixture.a, message("k1"), &wish).await.unwrap();
    assert_eq!(kept, (Recorded { is_new: true, ledger_changed: true, ..Recorded::default() }, None));
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k1' AND deliveries = 1").await, 1);
    assert_eq!(fixture.count("call_logs", "vapi_call_id = 'call-1'").await, 1);
    assert!(fixture.storage.book(&fixture.a, &wish).await.is_err());
    for table in ["appointments", "contacts", "tool_results"] {
        assert_eq!(fixture.count(table, "true").await, 0, "{table}");
    }
}

async fn a_message_does_not_wait_for_its_booking(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    let mut elsewhere = fixture.storage.scope(&fixture.a).await.unwrap();
    elsewhere.tool_results().reserve(&wish.call, now()).await.unwrap();
    let kept = fixture.storage.record_and_book(&fixture.a, message("k1"), &wish).await.unwrap();
    assert_eq!(kept, (Recorded { is_new: true, ledger_changed: true, ..Recorded::default() }, None));
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 1);
    elsewhere.commit().await.unwrap();
    assert!(matches!(book(&fixture, &wish).await, Booked::Made(_)));
}

async fn a_message_and_its_booking_are_kept_together(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    let (recorded, booked) = fixture.storage.record_and_book(&fixture.a, message("k1"), &wish).await.unwrap();
    assert_eq!(recorded, Recorded { is_new: true, ledger_changed: true, ..Recorded::default() });
    let Some(Booked::Made(id)) = booked else { panic!("{booked:?}") };
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let made = scope.appointments().get(id).await.unwrap().unwrap();
    assert_eq!((made.starts_at, made.resource_id, made.seat), (at(15, 0), CHAIR, 0));
    assert_eq!((made.patient_name.as_str(), made.patient_phone.as_deref()), ("Ada", Some("+15552010100")));
    assert_eq!(
        (made.patient_email.as_deref(), made.service.as_deref()),
        (Some("ada@example.org"), Some("consultation"),)
    );
    let contact = scope.contacts().find_by_phone("+15552010100").await.unwrap().unwrap();
    assert_eq!((made.contact_id, contact.last_call_at), (Some(contact.id), Some(now())));
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap().status, "in-progress");
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k1' AND body_bytes > 0").await, 1);
    assert_eq!(fixture.count("call_pins", "vapi_call_id = 'call-1'").await, 1);
    let kept = "vapi_call_id = 'call-1' AND tool_call_id = 'tool-1'";
    assert_eq!(fixture.count("appointments", kept).await, 1);
    assert_eq!(fixture.count("tool_results", &format!("{kept} AND answer IS NOT NULL")).await, 2);
}

async fn a_message_and_its_booking_are_one_transaction(fixture: Fixture) {
    keep(&fixture, "k1", &booking("tool-1", 1, 101)).await;
    let writers = "SELECT count(DISTINCT transaction)::text AS v FROM (
        SELECT xmin::text AS transaction FROM webhook_events UNION ALL SELECT xmin::text FROM call_logs UNION ALL
        SELECT xmin::text FROM appointments UNION ALL SELECT xmin::text FROM contacts UNION ALL
        SELECT xmin::text FROM tool_results) AS written";
    assert_eq!(fixture.value(writers).await.as_deref(), Some("1"));
}

async fn a_repeated_message_books_once(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    let (_, Booked::Made(id)) = keep(&fixture, "k1", &wish).await else { panic!() };
    let (recorded, booked) = keep(&fixture, "k1", &wish).await;
    assert_eq!(recorded, Recorded::default());
    let (answer, effect) = (answer("You are booked for three."), Some(EffectId(id.0)));
    assert_eq!(booked, Booked::Before { answer: answer.clone(), succeeded: true, effect });
    let (recorded, booked) = keep(&fixture, "k2", &booking("tool-2", 2, 101)).await;
    assert!(recorded.is_new);
    assert_eq!(booked, Booked::Fulfilled { answer, effect });
    assert_eq!(fixture.count("webhook_events", "deliveries = 2").await, 1);
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 1);
    assert_eq!(fixture.count("appointments", "true").await, 1);
}

async fn a_message_is_kept_though_every_place_is_taken(fixture: Fixture) {
    assert!(matches!(book(&fixture, &booking("tool-1", 1, 101)).await, Booked::Made(_)));
    let late = NewContact { phone: Some("+15552010101"), name: Some("Eve"), ..NewContact::default() };
    let wish = NewBooking { contact: late, ..booking("tool-2", 2, 102) };
    let (recorded, booked) = fixture.storage.record_and_book(&fixture.a, message("k1"), &wish).await.unwrap();
    assert!(recorded.is_new);
    assert_eq!(booked, Some(Booked::Taken));
    assert_eq!(fixture.count("webhook_events", "true").await, 1);
    assert_eq!(fixture.count("contacts", "true").await, 1);
    assert_eq!(fixture.count("appointments", "true").await, 1);
}

async fn races_of_messages_fill_the_seats_and_no_more(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..40_u8).map(|number| async move {
        let wish = NewBooking {
            places: vec![(CHAIR, 0), (CHAIR, 1), (CHAIR, 2)],
            starts_at: at(15, u32::from(number % 20)),
            ..booking("tool-1", number, 100 + number)
        };
        keep(fixture, &format!("k{number}"), &wish).await
    });
    let kept = join_all(work).await;
    assert!(kept.iter().all(|(recorded, _)| recorded.is_new));
    assert_eq!(kept.iter().filter(|(_, booked)| matches!(booked, Booked::Made(_))).count(), 3);
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 40);
    assert_eq!(fixture.count("appointments", "status = 'booked'").await, 3);
    assert_eq!(fixture.count("contacts", "true").await, 1);
    assert_eq!(fixture.count("tool_results", "answer IS NOT NULL").await, 6);
}

async fn races_of_one_message_book_once(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..12).map(|_| async move { keep(fixture, "k1", &booking("tool-1", 1, 101)).await });
    let kept = join_all(work).await;
    assert_eq!(kept.iter().filter(|(_, booked)| matches!(booked, Booked::Made(_))).count(), 1);
    assert_eq!(kept.iter().filter(|(_, booked)| matches!(booked, Booked::Before { .. })).count(), 11);
    assert_eq!(kept.iter().filter(|(recorded, _)| recorded.is_new).count(), 1);
    assert_eq!(fixture.count("webhook_events", "deliveries = 12").await, 1);
    assert_eq!(fixture.count("appointments", "true").await, 1);
}

async fn contested_and_erased_calls_book_too(fixture: Fixture) {
    fixture.storage.record(&fixture.b, message("k1")).await.unwrap();
    let (recorded, booked) = keep(&fixture, "k1", &booking("tool-1", 1, 101)).await;
    let contested = Recorded { is_new: true, is_contested: true, ..Recorded::default() };
    assert_eq!(recorded, Recorded { ledger_changed: true, ..contested });
    assert!(matches!(booked, Booked::Made(_)));
    let own = format!("organization_id = '{A}'");
    assert_eq!(fixture.count("security_log", &format!("{own} AND event = 'pin_against_mapping'")).await, 1);
    assert_eq!(fixture.count("security_log", "true").await, 1);

    fixture.storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    let later = NewBooking { places: vec![(CHAIR, 1)], ..booking("tool-2", 2, 102) };
    let (recorded, booked) = keep(&fixture, "k2", &later).await;
    assert_eq!(recorded, Recorded { is_erased: true, ..contested });
    assert!(matches!(booked, Booked::Made(_)));
    assert_eq!(fixture.count("webhook_events", &format!("{own} AND body_bytes > 0")).await, 0);
    assert_eq!(fixture.count("appointments", &own).await, 2);
}

async fn messages_and_bookings_of_two_organizations_stay_apart(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    for organization in [&fixture.a, &fixture.b] {
        let (recorded, booked) =
            fixture.storage.record_and_book(organization, message("k1"), &wish).await.unwrap();
        assert!(recorded.is_new);
        assert!(matches!(booked, Some(Booked::Made(_))));
    }
    for owner in [A, B] {
        for table in ["webhook_events", "call_logs", "call_pins", "appointments", "contacts"] {
            assert_eq!(fixture.count(table, &format!("organization_id = '{owner}'")).await, 1, "{table}");
        }
    }
}

async fn the_same_tool_call_books_once(fixture: Fixture) {
    let Booked::Made(id) = book(&fixture, &booking("tool-1", 1, 101)).await else { panic!() };
    let repeated = NewBooking { answer: answer("Something else."), ..booking("tool-1", 1, 101) };
    assert_eq!(
        book(&fixture, &repeated).await,
        Booked::Before {
            answer: answer("You are booked for three."),
            succeeded: true,
            effect: Some(EffectId(id.0)),
        }
    );
    assert_eq!(fixture.count("appointments", "true").await, 1);
}

async fn the_same_wish_books_once_and_again_when_it_was_undone(fixture: Fixture) {
    let Booked::Made(id) = book(&fixture, &booking("tool-1", 1, 101)).await else { panic!() };
    let effect = Some(EffectId(id.0));
    let first = answer("You are booked for three.");
    let again = book(&fixture, &booking("tool-2", 2, 101)).await;
    assert_eq!(again, Booked::Fulfilled { answer: first.clone(), effect });
    // Its answer is its own now.
    let third = book(&fixture, &booking("tool-2", 2, 101)).await;
    assert_eq!(third, Booked::Before { answer: first, succeeded: true, effect });

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.appointments().cancel(id).await.unwrap());
    scope.tool_results().undo(EffectId(id.0), now()).await.unwrap();
    scope.commit().await.unwrap();
    let Booked::Made(other) = book(&fixture, &booking("tool-3", 3, 101)).await else { panic!() };
    assert_ne!(other, id);
}

async fn a_taken_place_makes_nothing(fixture: Fixture) {
    assert!(matches!(book(&fixture, &booking("tool-1", 1, 101)).await, Booked::Made(_)));
    let late = NewContact { phone: Some("+15552010101"), name: Some("Eve"), ..NewContact::default() };
    for (minute, key) in [(0, 2), (10, 3), (39, 4)] {
        let taken = NewBooking {
            contact: late.clone(),
            starts_at: at(15, minute),
            ends_at: at(16, 0),
            blocked_until: at(16, 0),
            ..booking("tool-2", key, 100 + key)
        };
        assert_eq!(book(&fixture, &taken).await, Booked::Taken, "{minute}");
    }
    assert_eq!(fixture.count("contacts", "true").await, 1);
    assert_eq!(fixture.count("appointments", "true").await, 1);
    assert_eq!(fixture.count("tool_results", "answer IS NOT NULL").await, 2);
    // The key waits for its answer, and is no obstacle once there is room.
    // Nothing new is known of the caller, whose contact it is all the same.
    let moved = NewBooking {
        starts_at: at(15, 40),
        ends_at: at(16, 0),
        blocked_until: at(16, 0),
        ..booking("tool-2", 2, 102)
    };
    assert!(matches!(book(&fixture, &moved).await, Booked::Made(_)));
    assert_eq!(fixture.count("appointments", "contact_id IN (SELECT id FROM contacts)").await, 2);
}

async fn places_are_tried_in_their_order(fixture: Fixture) {
    let places = vec![(CHAIR, 0), (CHAIR, 1), (Uuid::nil(), 0)];
    let mut seats = Vec::new();
    for (key, tool_call) in [(1, "tool-1"), (2, "tool-2"), (3, "tool-3"), (4, "tool-4")] {
        let wish = NewBooking { places: places.clone(), ..booking(tool_call, key, 100 + key) };
        let Booked::Made(id) = book(&fixture, &wish).await else { break };
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let made = scope.appointments().get(id).await.unwrap().unwrap();
        scope.commit().await.unwrap();
        seats.push((made.resource_id, made.seat));
    }
    assert_eq!(seats, places);
}

async fn races_fill_the_seats_and_no_more(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..40_u8).map(|number| async move {
        let wish = NewBooking {
            places: vec![(CHAIR, 0), (CHAIR, 1), (CHAIR, 2)],
            // Overlapping, not equal.
            starts_at: at(15, u32::from(number % 20)),
            ..booking("tool-1", number, 100 + number)
        };
        book(fixture, &wish).await
    });
    let made = join_all(work).await.into_iter().filter(|booked| matches!(booked, Booked::Made(_))).count();
    assert_eq!(made, 3);
    assert_eq!(fixture.count("appointments", "status = 'booked'").await, 3);
    assert_eq!(fixture.count("contacts", "true").await, 1);
    assert_eq!(fixture.count("tool_results", "answer IS NOT NULL").await, 6);
}

async fn races_of_one_wish_make_one_appointment(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..12_u8).map(|number| async move {
        let wish = NewBooking { places: vec![(CHAIR, 0), (CHAIR, 1)], ..booking("tool-1", number, 101) };
        book(fixture, &wish).await
    });
    let booked = join_all(work).await;
    assert_eq!(booked.iter().filter(|booked| matches!(booked, Booked::Made(_))).count(), 1);
    assert_eq!(booked.iter().filter(|booked| matches!(booked, Booked::Fulfilled { .. })).count(), 11);
    assert_eq!(fixture.count("appointments", "true").await, 1);
}

async fn a_booking_inside_a_scope_goes_with_it(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(matches!(scope.bookings().book(&wish).await.unwrap(), Booked::Made(_)));
    scope.rollback().await.unwrap();
    for table in ["appointments", "contacts", "tool_results"] {
        assert_eq!(fixture.count(table, "true").await, 0, "{table}");
    }
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.tool_results().reserve(&wish.call, now()).await.unwrap();
    assert!(matches!(scope.bookings().book(&wish).await.unwrap(), Booked::Made(_)));
    scope.commit().await.unwrap();
    assert!(matches!(book(&fixture, &wish).await, Booked::Before { .. }));
}

async fn bookings_of_another_organization_are_none(fixture: Fixture) {
    let wish = booking("tool-1", 1, 101);
    assert!(matches!(book(&fixture, &wish).await, Booked::Made(_)));
    assert!(matches!(fixture.storage.book(&fixture.b, &wish).await.unwrap(), Booked::Made(_)));
    for (owner, contact) in [(A, &fixture.a), (B, &fixture.b)] {
        for table in ["appointments", "contacts"] {
            assert_eq!(fixture.count(table, &format!("organization_id = '{owner}'")).await, 1, "{table}");
        }
        let found = fixture.storage.contact(contact, "+15552010100").await.unwrap().unwrap();
        let id = format!("organization_id = '{owner}' AND id = '{}'", found.id.0);
        assert_eq!(fixture.count("contacts", &id).await, 1);
        assert!(fixture.storage.contact(contact, "+15552010101").await.unwrap().is_none());
    }
}

async fn characters_that_no_column_holds_cost_no_booking(fixture: Fixture) {
    let wish = NewBooking {
        contact: NewContact {
            phone: Some("+15552010100"),
            name: Some("A\0da"),
            email: Some("\0"),
            last_call_at: None,
        },
        service: Some("con\0sultation"),
        answer: answer("Booked\0."),
        ..booking("tool\0-1", 1, 101)
    };
    let Booked::Made(id) = book(&fixture, &wish).await else { panic!() };
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let made = scope.appointments().get(id).await.unwrap().unwrap();
    assert_eq!((made.patient_name.as_str(), made.service.as_deref()), ("Ada", Some("consultation")));
    scope.commit().await.unwrap();
    let before = book(&fixture, &wish).await;
    assert!(matches!(before, Booked::Before { answer: ToolAnswer::Result(text), .. } if text == "Booked."));
}
