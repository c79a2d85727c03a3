//! The directory: who owns an identifier, who pinned a call, and with what an organization proves itself.

use chrono::TimeDelta;
use org_resolver::{
    Admission, ChainConfig, Gate, GatePolicy, IdentifierKind, KeySource, Limits, Lookup, LookupKey,
    LookupStep, OrgHints, Ownership, Resolution, ResolverChain, VerifiedOrg,
};
use signature::{KeyRing, SignedRequest};
use storage::{Record, Storage};
use test_support::sign_x_vapi;

use crate::support::{A, B, Fixture, event, now, on_both, org};

on_both!(
    hand_written_mappings_are_found,
    an_unknown_identifier_has_no_history,
    all_identifiers_are_listed_those_that_were_given_up_too,
    the_history_of_a_moved_identifier,
    the_past_of_a_removed_organization_stays_without_an_owner,
    a_switched_off_mapping_says_so,
    organizations_are_found_by_id_and_slug,
    pins_of_every_organization,
    state_limits_and_keys_of_an_organization,
    an_unknown_organization_has_no_access,
    a_credential_that_does_not_open_is_left_out,
    a_credential_counts_on_the_terms_that_it_was_sealed_with,
    the_last_use_of_a_credential_is_noted,
);

/// The credentials of the two organizations and their secrets, `northgate-secret` and `harbour-secret`.
///
/// Sealed by libsodium (PyNaCl's `crypto_aead_xchacha20poly1305_ietf_encrypt`) under 32 zero bytes, with the nonce
/// 00 01 … 17 and the associated data `organization:<id>|credential:<id>|[<recipe>,null,null]`, with
/// the recipe as it is in [`RECIPE`], without spaces.
const SEALED: [(&str, &str, &str); 2] = [
    (
        A,
        "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
        "000102030405060708090a0b0c0d0e0f1011121314151617d3b89026985600d5472f5a00fb7ea697e9b9113ab2dfe535d7b792cde195d208",
    ),
    (
        B,
        "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
        "000102030405060708090a0b0c0d0e0f1011121314151617d5b690309f44138c51674a17fd78971e5a0bdfb9aa3c51c3fc0534f63995",
    ),
];

const RECIPE: &str = r#"{"scheme": "hmac", "algorithm": "sha256", "signature_header": "x-vapi-signature",
    "timestamp_header": "x-vapi-timestamp", "message_id_header": null, "prefix": null, "encoding": "hex",
    "secret_is_base64": false, "include_timestamp": true, "payload_format": "{timestamp}.{body}"}"#;

async fn add_credentials(fixture: &Fixture) {
    for (org, id, sealed) in SEALED {
        let blob = if fixture.is_postgres() { format!(r"'\x{sealed}'") } else { format!("x'{sealed}'") };
        fixture
            .execute(&format!(
                "INSERT INTO credentials (organization_id, id, label, recipe, sealed_secret, sealing_key_id)
                 VALUES ('{org}', '{id}', '2026', '{RECIPE}', {blob}, '66687aad')"
            ))
            .await;
    }
}

fn key(kind: IdentifierKind, value: &str) -> LookupKey {
    LookupKey::new(kind, value).unwrap()
}

async fn history(storage: &Storage, kind: IdentifierKind, value: &str) -> Vec<Ownership> {
    let owners = storage.directory().owners(&[key(kind, value)]).await.unwrap();
    assert_eq!(owners.cached, [false]);
    owners.histories[0].to_vec()
}

fn from_the_beginning(id: &str) -> Vec<Ownership> {
    vec![Ownership { org: Some(org(id)), is_active: true, valid_from: None, valid_to: None }]
}

async fn hand_written_mappings_are_found(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number, vapi_squad_id)
             VALUES ('{A}', ' asst_a ', '(555) 201-0100', 'squad_a');
             INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{B}', 'asst_b');
             INSERT INTO phone_numbers (organization_id, provider_phone_id, number) VALUES ('{B}', 'pn_b', '020 7946 0958');
             INSERT INTO phone_number_mapping (organization_id, inbound_phone_number) VALUES ('{B}', 'sip:Front@sip.vapi.ai')"
        ))
        .await;
    // All in one question, the answers in its order; one value under two kinds is two identifiers.
    let keys = [
        key(IdentifierKind::PhoneNumber, "+442079460958"),
        key(IdentifierKind::AssistantId, "asst_a"),
        key(IdentifierKind::SquadId, "asst_a"),
        key(IdentifierKind::SquadId, "squad_a"),
        key(IdentifierKind::PhoneNumber, "+15552010100"),
        key(IdentifierKind::AssistantId, "asst_b"),
        key(IdentifierKind::PhoneNumberId, "pn_b"),
        key(IdentifierKind::PhoneNumber, "sip:front@sip.vapi.ai"),
    ];
    let owners = fixture.storage.directory().owners(&keys).await.unwrap();
    let found: Vec<Vec<Ownership>> = owners.histories.iter().map(|history| history.to_vec()).collect();
    let (a, b) = (from_the_beginning(A), from_the_beginning(B));
    assert_eq!(found, [b.clone(), a.clone(), vec![], a.clone(), a, b.clone(), b.clone(), b]);
}

async fn an_unknown_identifier_has_no_history(fixture: Fixture) {
    assert!(history(&fixture.storage, IdentifierKind::AssistantId, "asst_x").await.is_empty());
    let nothing = fixture.storage.directory().owners(&[]).await.unwrap();
    assert!(nothing.histories.is_empty());
}

async fn all_identifiers_are_listed_those_that_were_given_up_too(fixture: Fixture) {
    for (org, assistant) in [(A, "asst_b"), (B, "asst_a"), (A, "asst_c")] {
        fixture
            .execute(&format!(
                "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{org}', '{assistant}')"
            ))
            .await;
    }
    // Given up at another time than it began, or it never was.
    fixture.execute("UPDATE identifiers SET valid_from = '2020-01-01T00:00:00.000000Z'").await;
    fixture.execute("DELETE FROM agents WHERE vapi_assistant_id = 'asst_c'").await;
    let directory = fixture.storage.directory();
    let kind = IdentifierKind::AssistantId;
    let listed = directory.identifiers(kind, None).await.unwrap();
    assert_eq!(listed, ["asst_a", "asst_b", "asst_c"].map(|value| key(kind, value)));
    assert_eq!(directory.identifiers(kind, Some("asst_a")).await.unwrap(), listed[1..]);
    assert_eq!(directory.identifiers(kind, Some("asst_c")).await.unwrap(), []);
    assert_eq!(directory.identifiers(IdentifierKind::SquadId, None).await.unwrap(), []);
    let organizations = directory.identifiers(IdentifierKind::Organization, None).await.unwrap();
    assert!(organizations.contains(&key(IdentifierKind::Organization, A)), "{organizations:?}");
}

async fn the_history_of_a_moved_identifier(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_m')"
        ))
        .await;
    fixture.execute("DELETE FROM customer_configurations").await;
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{B}', 'asst_m')"
        ))
        .await;
    let history = history(&fixture.storage, IdentifierKind::AssistantId, "asst_m").await;
    let [first, second] = history.as_slice() else { panic!("{history:?}") };
    assert_eq!((first.org, first.valid_from), (Some(org(A)), None));
    assert_eq!((second.org, second.valid_to), (Some(org(B)), None));
    // No instant belongs to both.
    assert!(first.valid_to.unwrap() <= second.valid_from.unwrap());
}

async fn the_past_of_a_removed_organization_stays_without_an_owner(fixture: Fixture) {
    for (organization, assistant) in [(A, "asst_x"), (B, "asst_y")] {
        fixture
            .execute(&format!(
                "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{organization}', '{assistant}')"
            ))
            .await;
    }
    let of_a = |value| history(&fixture.storage, IdentifierKind::AssistantId, value);
    assert_eq!(of_a("asst_x").await, from_the_beginning(A));
    fixture.execute(&format!("DELETE FROM organizations WHERE id = '{A}'")).await;
    for (kind, value) in [
        (IdentifierKind::AssistantId, "asst_x"),
        (IdentifierKind::Organization, A),
        (IdentifierKind::Organization, "northgate"),
    ] {
        let [past] = history(&fixture.storage, kind, value).await.try_into().unwrap();
        assert_eq!((past.org, past.valid_from), (None, None), "{value}");
        assert!(past.valid_to.is_some(), "{value}");
    }
    // Somebody else has it from then on, and what is given up by an organization that stays is still its own.
    fixture
        .execute(&format!(
            "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{B}', 'asst_x');
             DELETE FROM agents WHERE vapi_assistant_id = 'asst_y';"
        ))
        .await;
    let [past, present] = of_a("asst_x").await.try_into().unwrap();
    assert_eq!((past.org, past.valid_from), (None, None));
    assert_eq!((present.org, present.valid_to), (Some(org(B)), None));
    assert!(present.valid_from >= past.valid_to);
    let [own] = of_a("asst_y").await.try_into().unwrap();
    assert_eq!(own.org, Some(org(B)));
    // Its owner's end is the end of a past that had an owner.
    fixture.execute(&format!("DELETE FROM organizations WHERE id = '{B}'")).await;
    let owners: Vec<_> = of_a("asst_y").await.into_iter().map(|row| (row.org, row.valid_to)).collect();
    assert_eq!(owners, [(None, own.valid_to)]);
    assert!(of_a("asst_x").await.iter().all(|row| row.org.is_none() && row.valid_to.is_some()));
}

async fn a_switched_off_mapping_says_so(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_a');
             UPDATE customer_configurations SET is_active = false"
        ))
        .await;
    let history = history(&fixture.storage, IdentifierKind::AssistantId, "asst_a").await;
    assert_eq!(history, [Ownership { is_active: false, ..from_the_beginning(A).remove(0) }]);
}

async fn organizations_are_found_by_id_and_slug(fixture: Fixture) {
    for value in [A, "northgate", "NorthGate"] {
        assert_eq!(
            history(&fixture.storage, IdentifierKind::Organization, value).await,
            from_the_beginning(A)
        );
    }
    assert_eq!(
        history(&fixture.storage, IdentifierKind::Organization, "harbour").await,
        from_the_beginning(B)
    );
}

async fn pins_of_every_organization(fixture: Fixture) {
    for (organization, key, call) in
        [(&fixture.a, "k1", "call-1"), (&fixture.a, "k2", "call-2"), (&fixture.b, "k1", "call-2")]
    {
        fixture.storage.record(organization, Record::new(&event(key, call))).await.unwrap();
    }
    let directory = fixture.storage.directory();
    assert_eq!(directory.pins("call-1").await.unwrap(), [org(A)]);
    assert_eq!(directory.pins("call-2").await.unwrap(), [org(A), org(B)]);
    assert!(directory.pins("call-3").await.unwrap().is_empty());
    assert!(directory.pins("call\0-1").await.unwrap().is_empty());
}

/// Verifies a body that was signed with a secret, against the keys that the directory gives for an organization.
async fn proves(fixture: &Fixture, id: &str, secret: &str) -> bool {
    let access = fixture.storage.directory().access(org(id)).await.unwrap().unwrap();
    let headers = sign_x_vapi(secret, now().timestamp(), b"{}");
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
    access.keys.verify(&request, now()).is_ok()
}

async fn state_limits_and_keys_of_an_organization(fixture: Fixture) {
    let directory = fixture.storage.directory();
    let bare = directory.access(org(A)).await.unwrap().unwrap();
    assert!(bare.is_active && !bare.has_own_credentials && bare.keys.is_empty());
    assert_eq!((&bare.vapi_org_id, bare.limits), (&None, Limits::default()));

    add_credentials(&fixture).await;
    fixture
        .execute(&format!(
            "UPDATE organizations SET vapi_org_id = 'vapi-7', is_active = false,
             limits = '{{\"waiting\": 10, \"streams\": 0, \"call_events\": -1}}' WHERE id = '{A}'"
        ))
        .await;
    let access = directory.access(org(A)).await.unwrap().unwrap();
    assert!(!access.is_active && access.has_own_credentials);
    assert_eq!(access.vapi_org_id.as_deref(), Some("vapi-7"));
    assert_eq!(access.limits, Limits { waiting: Some(10), streams: Some(0), ..Limits::default() });
    assert_eq!(access.keys.len(), 1);
    assert!(proves(&fixture, A, "northgate-secret").await);
    assert!(!proves(&fixture, A, "harbour-secret").await);
    assert!(proves(&fixture, B, "harbour-secret").await);
    assert!(!format!("{access:?}").contains("northgate-secret"));

    // An expired credential proves nothing, and the shared secret does not come back for it.
    fixture.execute("UPDATE credentials SET not_after = '2026-11-21T12:00:00.000000Z'").await;
    assert!(!proves(&fixture, A, "northgate-secret").await);
    assert!(directory.access(org(A)).await.unwrap().unwrap().has_own_credentials);
}

async fn an_unknown_organization_has_no_access(fixture: Fixture) {
    let unknown = org("33333333-3333-4333-8333-333333333333");
    assert!(fixture.storage.directory().access(unknown).await.unwrap().is_none());
}

async fn a_credential_counts_on_the_terms_that_it_was_sealed_with(fixture: Fixture) {
    add_credentials(&fixture).await;
    let update = async |change: &str| {
        fixture.execute(&format!("UPDATE credentials SET {change} WHERE organization_id = '{A}'")).await;
        let access = fixture.storage.directory().access(org(A)).await.unwrap().unwrap();
        assert!(access.has_own_credentials);
        (access.keys.len(), proves(&fixture, A, "northgate-secret").await)
    };
    assert_eq!(update("label = 'another'").await, (1, true));
    for (changed, back) in [
        ("not_after = '2126-01-01T00:00:00.000000Z'", "not_after = NULL".to_owned()),
        ("not_before = '1996-01-01T00:00:00.000000Z'", "not_before = NULL".to_owned()),
        // A secret that signed until now would have to be shown.
        (
            r#"recipe = '{"scheme": "secret_header", "header": "x-vapi-secret"}'"#,
            format!("recipe = '{RECIPE}'"),
        ),
    ] {
        assert_eq!(update(changed).await, (0, false), "{changed}");
        assert_eq!(update(&back).await, (1, true), "{back}");
    }
}

async fn a_credential_that_does_not_open_is_left_out(fixture: Fixture) {
    add_credentials(&fixture).await;
    // The secret of one organization, copied into the row of another, is worth nothing there.
    fixture
        .execute(&format!(
            "UPDATE credentials SET sealed_secret = (SELECT c.sealed_secret FROM credentials c WHERE c.organization_id = '{A}')
             WHERE organization_id = '{B}'"
        ))
        .await;
    let access = fixture.storage.directory().access(org(B)).await.unwrap().unwrap();
    assert!(access.keys.is_empty() && access.has_own_credentials);
    assert!(!proves(&fixture, B, "northgate-secret").await);

    fixture.execute("UPDATE credentials SET recipe = '{\"scheme\": \"novel\"}'").await;
    assert!(fixture.storage.directory().access(org(A)).await.unwrap().unwrap().keys.is_empty());
}

/// The way of a real message: hints, claim, gate.
async fn admitted(fixture: &Fixture, secret: &str) -> VerifiedOrg {
    let directory = fixture.storage.directory();
    let chain = ResolverChain::new(directory.clone(), ChainConfig::default());
    let mut hints = OrgHints::default();
    hints.push(LookupStep::AssistantId, "asst_a", "message.call.assistantId");
    let Resolution::Claimed(claimed) = chain.resolve(&hints, now()).await.unwrap() else {
        panic!("the assistant is mapped");
    };
    let gate = Gate::new(directory, KeyRing::new(Vec::new()), GatePolicy::default());
    let headers = sign_x_vapi(secret, now().timestamp(), b"{}");
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
    match gate.admit(*claimed, &request, now()).await.unwrap() {
        Admission::Admitted(org) => org,
        Admission::Refused(refused) => panic!("{refused:?}"),
    }
}

async fn the_last_use_of_a_credential_is_noted(fixture: Fixture) {
    add_credentials(&fixture).await;
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_a')"
        ))
        .await;
    let verified = admitted(&fixture, "northgate-secret").await;
    assert_eq!(verified.credential().unwrap().as_uuid().to_string(), SEALED[0].1);

    fixture.storage.touch_credential(&verified, now()).await.unwrap();
    let used = format!("organization_id = '{A}' AND last_used_at IS NOT NULL");
    assert_eq!(fixture.count("credentials", &used).await, 1);
    assert_eq!(fixture.count("credentials", "last_used_at IS NOT NULL").await, 1, "nobody else's");

    // Within a minute it is not written again; afterwards it is.
    fixture.execute("UPDATE credentials SET last_used_at = NULL").await;
    fixture.storage.touch_credential(&verified, now() + TimeDelta::seconds(59)).await.unwrap();
    assert_eq!(fixture.count("credentials", &used).await, 0);
    fixture.storage.touch_credential(&verified, now() + TimeDelta::seconds(60)).await.unwrap();
    assert_eq!(fixture.count("credentials", &used).await, 1);

    // The shared secret has no row to note anything in.
    fixture.storage.touch_credential(&fixture.b, now()).await.unwrap();
    assert_eq!(fixture.count("credentials", "last_used_at IS NOT NULL").await, 1);
}
