//! The operator's declarations.

use chrono::{NaiveDate, Weekday};
use scheduling::{Closure, OpenRange, OpeningHours, Resource, Service};
use serde_json::json;
use storage::StorageError;
use tenant::{Assistant, Document, PhoneNumber, Route, Settings, Transfer};
use uuid::Uuid;

use crate::support::{A, B, Fixture, on_both, verified};

on_both!(
    the_description_of_an_organization,
    the_calendar_of_an_organization,
    agents_of_the_organization,
    numbers_and_their_routes,
    transfers_and_knowledge,
    what_makes_no_sense_is_named,
);

async fn the_description_of_an_organization(fixture: Fixture) {
    let languages = if fixture.is_postgres() { "ARRAY['es', 'fr, ca']" } else { r#"'["es", "fr, ca"]'"# };
    fixture
        .execute(&format!(
            "UPDATE organizations SET primary_language = 'de', secondary_languages = {languages},
             settings = '{{\"endpointing\": {{\"timeout_seconds\": 1.5}}}}' WHERE id = '{A}'"
        ))
        .await;
    let tenant = fixture.storage.tenant(&fixture.a).await.unwrap();
    let profile = tenant.profile();
    assert_eq!((profile.name.as_str(), profile.timezone), ("Northgate Dental", chrono_tz::America::New_York));
    assert_eq!((profile.region.code(), profile.primary_language.as_str()), ("US", "de"));
    assert_eq!(profile.secondary_languages, ["es", "fr, ca"]);
    let other = json!({"endpointing": {"timeout_seconds": 1.5}}).as_object().cloned().unwrap();
    assert_eq!(profile.settings, Settings { other, ..Settings::default() });
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.declared().profile().await.unwrap(), *profile);
    scope.commit().await.unwrap();
    let other = fixture.storage.tenant(&fixture.b).await.unwrap();
    let other = other.profile();
    assert_eq!((other.name.as_str(), other.region.code()), ("Harbour Law", "GB"));
    assert!(other.secondary_languages.is_empty());
}

async fn the_calendar_of_an_organization(fixture: Fixture) {
    let chair = "55555555-5555-4555-8555-555555555555";
    fixture
        .execute(&format!(
            "INSERT INTO opening_hours (organization_id, weekday, opens, closes) VALUES
             ('{A}', 1, '13:00', '17:00'), ('{A}', 1, '09:00', '12:00'), ('{A}', 7, '10:00', '24:00');
             INSERT INTO closures (organization_id, from_date, to_date, reason) VALUES ('{A}', '2026-12-24', '2026-12-26', 'Christmas');
             INSERT INTO services (organization_id, name, minutes, buffer_minutes) VALUES ('{A}', 'cleaning', 45, 10);
             INSERT INTO resources (organization_id, id, name, capacity) VALUES ('{A}', '{chair}', 'chair', 2);
             UPDATE organizations SET settings = '{{\"booking_days_ahead\": 90}}' WHERE id = '{A}'"
        ))
        .await;
    let tenant = fixture.storage.tenant(&fixture.a).await.unwrap();
    let calendar = tenant.calendar().unwrap();
    let range = |text: &str| text.parse::<OpenRange>().unwrap();
    assert_eq!(calendar.opening_hours.on(Weekday::Mon), [range("09:00-12:00"), range("13:00-17:00")]);
    assert_eq!(calendar.opening_hours.on(Weekday::Sun), [range("10:00-24:00")]);
    assert!(calendar.opening_hours.on(Weekday::Tue).is_empty());
    let day = |day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
    assert_eq!(calendar.closures, [Closure { from: day(24), to: day(26), reason: Some("Christmas".into()) }]);
    let cleaning =
        Service { name: "cleaning".into(), minutes: 45, buffer_minutes: 10, resources: Vec::new() };
    assert_eq!(calendar.services, [cleaning]);
    let chair = Resource { id: Uuid::parse_str(chair).unwrap(), name: "chair".into(), capacity: 2 };
    assert_eq!(calendar.resources, [chair]);
    assert_eq!((calendar.timezone, calendar.booking_days_ahead), (chrono_tz::America::New_York, 90));

    let other = fixture.storage.tenant(&fixture.b).await.unwrap();
    let other = other.calendar().unwrap();
    assert!(other.opening_hours.is_always() && other.closures.is_empty());
    assert!(other.services.is_empty() && other.resources.is_empty());
    assert_eq!(other.booking_days_ahead, 365);
}

async fn agents_of_the_organization(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO agents (organization_id, vapi_assistant_id, name, role, is_active) VALUES
             ('{A}', 'asst_s', 'Sarah', 'inbound', true), ('{A}', 'asst_m', 'Marcy', 'outbound', true),
             ('{A}', 'asst_o', 'Otto', 'inbound', false), ('{B}', 'asst_b', 'Bea', 'inbound', true)"
        ))
        .await;
    let agent =
        |id: &str, name: &str, role: &str| Assistant { id: id.into(), name: name.into(), role: role.into() };
    let own = fixture.storage.tenant(&fixture.a).await.unwrap();
    assert_eq!(own.assistants(), [agent("asst_m", "Marcy", "outbound"), agent("asst_s", "Sarah", "inbound")]);
    let others = fixture.storage.tenant(&fixture.b).await.unwrap();
    assert_eq!(others.assistants(), [agent("asst_b", "Bea", "inbound")]);
}

async fn numbers_and_their_routes(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO phone_numbers (organization_id, provider_phone_id, number, sip_uri, route, fallback_assistant_id, is_active, created_at) VALUES
             ('{A}', 'pn_1', '+15552010100', NULL, '{{\"assistant\": \"asst_a\"}}', 'asst_f', true, '2026-11-01T00:00:00.000000Z'),
             ('{A}', 'pn_2', NULL, 'sip:front@sip.vapi.ai', '{{\"squad\": \"squad_a\"}}', NULL, true, '2026-11-02T00:00:00.000000Z'),
             ('{A}', NULL, '+15552010101', NULL, '{{\"destination\": \"+15552010199\"}}', NULL, true, '2026-11-03T00:00:00.000000Z'),
             ('{A}', 'pn_4', NULL, NULL, NULL, NULL, true, '2026-11-04T00:00:00.000000Z'),
             ('{A}', 'pn_5', NULL, NULL, NULL, NULL, false, '2026-11-05T00:00:00.000000Z'),
             ('{B}', 'pn_b', NULL, NULL, NULL, NULL, true, '2026-11-05T00:00:00.000000Z')"
        ))
        .await;
    let bare = PhoneNumber {
        id: None,
        number: None,
        sip_uri: None,
        route: None,
        fallback_assistant: None,
        label: String::new(),
    };
    let own = fixture.storage.tenant(&fixture.a).await.unwrap();
    assert_eq!(
        own.phone_numbers().unwrap(),
        [
            PhoneNumber {
                id: Some("pn_1".into()),
                number: Some("+15552010100".into()),
                route: Some(Route::Assistant("asst_a".into())),
                fallback_assistant: Some("asst_f".into()),
                ..bare.clone()
            },
            PhoneNumber {
                id: Some("pn_2".into()),
                sip_uri: Some("sip:front@sip.vapi.ai".into()),
                route: Some(Route::Squad("squad_a".into())),
                ..bare.clone()
            },
            PhoneNumber {
                number: Some("+15552010101".into()),
                route: Some(Route::Destination("+15552010199".into())),
                ..bare.clone()
            },
            PhoneNumber { id: Some("pn_4".into()), ..bare.clone() },
        ]
    );
    let others = fixture.storage.tenant(&fixture.b).await.unwrap();
    assert_eq!(others.phone_numbers().unwrap(), [PhoneNumber { id: Some("pn_b".into()), ..bare }]);
}

async fn transfers_and_knowledge(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO transfer_destinations (organization_id, department, number, opening_hours) VALUES
             ('{A}', 'sales', '+15552010198', '{{\"mon\": [\"09:00-17:00\"]}}'), ('{A}', 'billing', '+15552010199', NULL);
             INSERT INTO knowledge_documents (organization_id, path, title, content) VALUES
             ('{A}', 'b.md', 'Prices', 'A cleaning is 90 dollars.'), ('{A}', 'a.md', 'Parking', 'Behind the house.')"
        ))
        .await;
    let transfer = |department: &str, number: &str, opening_hours| Transfer {
        department: department.into(),
        number: Some(number.into()),
        sip_uri: None,
        opening_hours,
    };
    let document = |path: &str, title: &str, content: &str| Document {
        path: path.into(),
        title: title.into(),
        content: content.into(),
    };
    let mondays = OpeningHours::parse([("mon", ["09:00-17:00"])]).unwrap();
    let own = fixture.storage.tenant(&fixture.a).await.unwrap();
    assert_eq!(
        own.transfers().unwrap(),
        [transfer("billing", "+15552010199", None), transfer("sales", "+15552010198", Some(mondays)),]
    );
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(
        scope.declared().documents().await.unwrap(),
        [
            document("a.md", "Parking", "Behind the house."),
            document("b.md", "Prices", "A cleaning is 90 dollars.")
        ]
    );
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(fixture.storage.tenant(&fixture.b).await.unwrap().transfers().unwrap().is_empty());
    assert!(scope.declared().documents().await.unwrap().is_empty());
}

async fn what_makes_no_sense_is_named(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO phone_numbers (organization_id, provider_phone_id, route) VALUES ('{A}', 'pn_1', '{{\"teleport\": \"x\"}}');
             UPDATE organizations SET timezone = 'Atlantis/Capital' WHERE id = '{B}'"
        ))
        .await;
    let named = |error: StorageError| match error {
        StorageError::Inconsistent { table, column, .. } => (table, column),
        other => panic!("{other:?}"),
    };
    // What has nothing to do with the row is as it was.
    let tenant = fixture.storage.tenant(&fixture.a).await.unwrap();
    assert_eq!(named(tenant.phone_numbers().unwrap_err()), ("phone_numbers", "route"));
    assert!(tenant.calendar().unwrap().opening_hours.is_always() && tenant.transfers().unwrap().is_empty());
    // Without a zone there is nothing to say.
    let unknown_zone = ("organizations", "timezone");
    assert_eq!(named(fixture.storage.tenant(&fixture.b).await.unwrap_err()), unknown_zone);
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(named(scope.declared().profile().await.unwrap_err()), unknown_zone);
    scope.commit().await.unwrap();
    // An organization that is gone is a missing row, not an empty answer.
    let gone = verified("33333333-3333-4333-8333-333333333333");
    assert_eq!(named(fixture.storage.tenant(&gone).await.unwrap_err()), ("organizations", "id"));
}
