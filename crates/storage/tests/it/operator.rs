//! The operator's door: plans carried out whole or not at all, every change written down.

use manifest::{Edit, Manifest, Plan, Source, plan};
use org_resolver::Lookup;
use signature::SignedRequest;
use storage::{ErrorKind, MasterKey, OperatorScope, Owner, Sealer, Storage, StorageError};
use tenant::{Assistant, Entry, Organization};

use crate::support::{A, B, Fixture, now, on_both, org};

/// The documented file, ids written out.
const SAMPLE: &str = r#"
[[organizations]]
id = "46cf2995-2bee-44e3-838b-24151486fe4e"
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
region = "US"
active = true
primary_language = "en"
secondary_languages = ["es"]
vapi_org_id = "6ec5c3cf-3b65-4d2b-9a0b-e5a26e6e8f0d"
assistants = [{ id = "asst_sarah", name = "Sarah", role = "inbound" }]
squads = ["squad_1"]
phone_numbers = [{ id = "pn_1", number = "+15552010100", route = { assistant = "asst_sarah" } },
                 { id = "pn_2", sip_uri = "sip:front@sip.vapi.ai" }]
credentials = [
  { label = "2026", preset = "x-vapi-signature", secret = "northgate secret", not_after = "2027-01-31T00:00:00Z" },
  { label = "custom", scheme = "hmac", algorithm = "sha512", signature_header = "x-sig", timestamp_header = "x-time",
    message_id_header = "x-id", prefix = "v1,", encoding = "base64", secret_is_base64 = false, include_timestamp = true,
    payload_format = "{svix-id}.{timestamp}.{body}", secret = "custom secret" },
  { label = "old", scheme = "secret_header", header = "X-Vapi-Secret", secret = "old secret" } ]
services = [{ name = "consultation", minutes = 30 }]
resources = [{ name = "Room 1", capacity = 2 }]
opening_hours = { mon = ["09:00-17:00"], tue = ["09:00-12:00", "13:00-24:00"] }
closures = [{ from = "2026-12-24", to = "2026-12-26", reason = "Christmas" }]
transfers = [{ department = "billing", number = "+15552010199", opening_hours = { fri = ["08:00-10:00"] } }]
settings = { booking_days_ahead = 90, note = { ratio = 1e2 } }
limits = { waiting = 60 }
"#;

const NORTHGATE: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";

/// The two organizations that every database of these tests begins with.
const BEGINNING: &str = r#"
[[organizations]]
id = "11111111-1111-4111-8111-111111111111"
slug = "northgate"
name = "Northgate Dental"
timezone = "America/New_York"
[[organizations]]
id = "22222222-2222-4222-8222-222222222222"
slug = "harbour"
name = "Harbour Law"
timezone = "Europe/London"
region = "GB"
"#;

fn file(text: &str) -> Vec<Organization> {
    let vars = |_: &str| None;
    let mut organizations = Manifest::from_toml(text, &Source::new(&vars, ".")).unwrap().organizations;
    for organization in &mut organizations {
        if organization.slug == "northgate-dental" {
            organization.knowledge = vec![tenant::Document {
                path: "docs/northgate/parking.md".to_owned(),
                title: "Where to park".to_owned(),
                content: "# Where to park\nBehind the \0house.\n".to_owned(),
            }];
        }
    }
    organizations
}

/// The documented file with one text put in the place of another.
fn sample_with(old: &str, new: &str) -> Vec<Organization> {
    assert!(SAMPLE.contains(old), "{old}");
    file(&SAMPLE.replace(old, new))
}

async fn open(storage: &Storage) -> OperatorScope {
    storage.operator("alex", "a test").await.unwrap()
}

/// Plans and applies, as the command does.
async fn apply(storage: &Storage, wanted: &[Organization], prune: bool) -> Plan {
    let mut scope = open(storage).await;
    let stored = scope.organizations().await.unwrap();
    let plan = plan(&stored, wanted, prune).unwrap();
    operations::apply(&mut scope, &plan).await.unwrap();
    scope.commit().await.unwrap();
    plan
}

async fn planned(storage: &Storage, wanted: &[Organization], prune: bool) -> Plan {
    let mut scope = open(storage).await;
    let stored = scope.organizations().await.unwrap();
    scope.rollback().await.unwrap();
    plan(&stored, wanted, prune).unwrap()
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

async fn the_sample_is_applied_once(fixture: Fixture) {
    let wanted = file(SAMPLE);
    let first = apply(&fixture.storage, &wanted, false).await;
    assert_eq!(first.changes.len(), 14, "{first}");
    let again = apply(&fixture.storage, &wanted, false).await;
    assert!(again.is_empty() && again.kept.is_empty(), "{again}");

    for (table, rows) in [
        ("agents", 1),
        ("customer_configurations", 1),
        ("phone_numbers", 2),
        ("credentials", 3),
        ("services", 1),
        ("resources", 1),
        ("opening_hours", 3),
        ("closures", 1),
        ("transfer_destinations", 1),
        ("knowledge_documents", 1),
    ] {
        assert_eq!(fixture.count(table, &format!("organization_id = '{NORTHGATE}'")).await, rows, "{table}");
        assert_eq!(fixture.count(table, "true").await, rows, "{table}");
    }
    for (column, value) in [
        ("slug", "northgate-dental"),
        ("timezone", "America/New_York"),
        ("vapi_org_id", "6ec5c3cf-3b65-4d2b-9a0b-e5a26e6e8f0d"),
        ("primary_language", "en"),
    ] {
        let sql = format!("SELECT {column} AS v FROM organizations WHERE id = '{NORTHGATE}'");
        assert_eq!(fixture.value(&sql).await.as_deref(), Some(value), "{column}");
    }
    assert_eq!(fixture.count("organizations", "has_own_credentials").await, 1);
    let closing = "SELECT closes AS v FROM opening_hours WHERE weekday = 2 AND opens = '13:00'";
    assert_eq!(fixture.value(closing).await.as_deref(), Some("24:00"));
    // The triggers took every identifier in.
    for (kind, value) in [
        ("assistant_id", "asst_sarah"),
        ("squad_id", "squad_1"),
        ("phone_number_id", "pn_1"),
        ("phone_number_id", "pn_2"),
        ("phone_number", "+15552010100"),
        ("phone_number", "sip:front@sip.vapi.ai"),
        ("organization", "northgate-dental"),
    ] {
        let open = format!(
            "kind = '{kind}' AND value = '{value}' AND organization_id = '{NORTHGATE}' AND valid_to IS NULL"
        );
        assert_eq!(fixture.count("identifiers", &open).await, 1, "{kind} {value}");
    }
}

async fn every_section_is_changed_in_place(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    let ids = |table: &'static str| {
        let order = "ORDER BY id";
        format!("SELECT id AS id FROM {table} WHERE organization_id = '{NORTHGATE}' {order}")
    };
    let all_ids = |table: &'static str| {
        let listed =
            if fixture.is_postgres() { "string_agg(CAST(id AS text), ' ')" } else { "group_concat(id, ' ')" };
        format!("SELECT {listed} AS v FROM ({}) AS rows_of", ids(table))
    };
    for (old, new, table) in [
        ("name = \"Northgate Dental\"", "name = \"Northgate\"", ""),
        ("America/New_York", "America/Chicago", ""),
        ("active = true", "active = false", ""),
        ("[\"es\"]", "[\"es\", \"fr\"]", ""),
        ("ratio = 1e2", "ratio = 99", ""),
        ("waiting = 60", "waiting = 61, streams = 5", ""),
        ("role = \"inbound\"", "role = \"outbound\"", "agents"),
        (
            "route = { assistant = \"asst_sarah\" }",
            "route = { destination = \"+15552010155\" }",
            "phone_numbers",
        ),
        ("number = \"+15552010100\"", "number = \"+15552010111\"", "phone_numbers"),
        ("\"sip:front@sip.vapi.ai\"", "\"sip:back@sip.vapi.ai\", label = \"Back\"", "phone_numbers"),
        ("2027-01-31", "2027-02-28", "credentials"),
        ("secret = \"old secret\"", "secret = \"older secret\"", "credentials"),
        ("sha512", "sha256", "credentials"),
        ("name = \"consultation\", minutes = 30", "name = \"Consultation\", minutes = 45", "services"),
        ("name = \"Room 1\", capacity = 2", "name = \"room 1\", capacity = 3", "resources"),
        ("mon = [\"09:00-17:00\"]", "wed = [\"10:00-11:00\"]", ""),
        ("reason = \"Christmas\"", "reason = \"Holidays\"", "closures"),
        ("fri = [\"08:00-10:00\"]", "fri = [\"08:00-11:00\"]", "transfer_destinations"),
        ("department = \"billing\"", "department = \"Billing\"", "transfer_destinations"),
    ] {
        apply(&fixture.storage, &file(SAMPLE), false).await;
        let before = if table.is_empty() { None } else { fixture.value(&all_ids(table)).await };
        let wanted = sample_with(old, new);
        let plan = apply(&fixture.storage, &wanted, false).await;
        assert!(!plan.is_empty(), "{new}");
        assert!(plan.changes.iter().all(|change| change.action() == manifest::Action::Update), "{plan}");
        let again = planned(&fixture.storage, &wanted, false).await;
        assert!(again.is_empty() && again.kept.is_empty(), "{new}: {again}");
        if !table.is_empty() {
            assert_eq!(fixture.value(&all_ids(table)).await, before, "{new}");
        }
    }
    let mut wanted = file(SAMPLE);
    apply(&fixture.storage, &wanted, false).await;
    wanted[0].knowledge[0].content = "# Where to park\nIn front.\n".to_owned();
    assert_eq!(
        lines(&apply(&fixture.storage, &wanted, false).await),
        ["~ northgate-dental knowledge docs/northgate/parking.md (content)"]
    );
    let content = fixture.value("SELECT content AS v FROM knowledge_documents").await.unwrap();
    assert_eq!(content, "# Where to park\nIn front.\n");
    // Renamed by its id.
    let renamed = sample_with("slug = \"northgate-dental\"", "slug = \"northgate-teeth\"");
    apply(&fixture.storage, &renamed, false).await;
    let sql = format!("SELECT slug AS v FROM organizations WHERE id = '{NORTHGATE}'");
    assert_eq!(fixture.value(&sql).await.as_deref(), Some("northgate-teeth"));
}

async fn what_the_file_leaves_out_goes_when_pruning(fixture: Fixture) {
    let bare = "[[organizations]]\nid = \"46cf2995-2bee-44e3-838b-24151486fe4e\"\nslug = \"northgate-dental\"\n\
                name = \"Northgate Dental\"\n";
    let mut bare = file(&format!("{BEGINNING}{bare}"));
    bare.last_mut().unwrap().knowledge.clear();
    apply(&fixture.storage, &file(SAMPLE), false).await;

    let kept = apply(&fixture.storage, &bare, false).await;
    assert_eq!(kept.kept.len(), 13, "{kept}");
    assert_eq!(fixture.count("agents", "true").await, 1);
    assert_eq!(fixture.count("opening_hours", "true").await, 3);

    let pruned = apply(&fixture.storage, &bare, true).await;
    assert_eq!(pruned.changes.len(), 13, "{pruned}");
    for table in [
        "agents",
        "customer_configurations",
        "phone_numbers",
        "credentials",
        "services",
        "resources",
        "opening_hours",
        "closures",
        "transfer_destinations",
        "knowledge_documents",
    ] {
        assert_eq!(fixture.count(table, "true").await, 0, "{table}");
    }
    let open = "valid_to IS NULL AND kind <> 'organization'";
    assert_eq!(fixture.count("identifiers", open).await, 0);
    assert_eq!(fixture.count("organizations", "true").await, 3);
    assert!(planned(&fixture.storage, &bare, true).await.is_empty());
}

async fn pruned_organizations_go_with_everything(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_a'), ('{B}', 'asst_b');
             INSERT INTO call_logs (organization_id, vapi_call_id) VALUES ('{A}', 'call_a'), ('{B}', 'call_b');
             INSERT INTO contacts (organization_id, phone) VALUES ('{A}', '+15550001'), ('{B}', '+15550001')"
        ))
        .await;
    let harbour = format!("[[organizations]]\n{}", BEGINNING.rsplit("[[organizations]]").next().unwrap());
    let wanted = file(&harbour);
    let left_alone = apply(&fixture.storage, &wanted, false).await;
    assert!(left_alone.is_empty(), "{left_alone}");
    assert_eq!(left_alone.kept.len(), 1);
    let wanted = file(&format!("{harbour}\nassistants = [{{ id = \"asst_b\" }}]"));
    assert_eq!(
        lines(&apply(&fixture.storage, &wanted, true).await),
        ["- northgate organization (Northgate Dental, with everything that is stored for it)"]
    );
    for table in ["agents", "call_logs", "call_pins", "contacts", "identifiers", "identifier_sources"] {
        assert_eq!(fixture.count(table, &format!("organization_id = '{A}'")).await, 0, "{table}");
        assert!(fixture.count(table, &format!("organization_id = '{B}'")).await > 0, "{table}");
    }
}

async fn hand_written_mappings_stay_until_pruned(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO customer_configurations (organization_id, created_at, vapi_assistant_id, vapi_phone_number, vapi_squad_id) VALUES
                ('{B}', '2026-01-01T00:00:00.000000Z', ' asst_hand ', '020 7946 0100', NULL),
                ('{B}', '2026-01-02T00:00:00.000000Z', 'asst_declared', '+442079460101', 'squad_hand');
             INSERT INTO phone_number_mapping (organization_id, inbound_phone_number, vapi_phone_number_id, clinic_name) VALUES
                ('{B}', '+44 20 7946 0102', 'pn_hand', 'Front'),
                ('{B}', '+442079460103', 'pn_other', ''),
                ('{B}', '+442079460104', 'pn_gone', '');"
        ))
        .await;
    let northgate = BEGINNING.rsplit_once("[[organizations]]").unwrap();
    let declared = format!(
        "{}[[organizations]]{}assistants = [{{ id = \"asst_declared\" }}]\n\
         phone_numbers = [{{ id = \"pn_hand\", number = \"020 7946 0102\", label = \"Reception\" }},\n\
                          {{ number = \"+442079460104\" }}]",
        northgate.0, northgate.1
    );
    let wanted = file(&declared);
    let plan = apply(&fixture.storage, &wanted, false).await;
    assert_eq!(
        lines(&plan),
        [
            "~ harbour phone number pn_hand (label \"Front\" -> \"Reception\")",
            "~ harbour phone number +442079460104 (id pn_gone -> none)",
        ]
    );
    let kept: Vec<String> = plan.kept.iter().map(ToString::to_string).collect();
    assert_eq!(
        kept,
        [
            "= harbour assistant asst_hand",
            "= harbour squad squad_hand",
            "= harbour phone number pn_other",
            "= harbour phone number +442079460100",
            "= harbour phone number +442079460101",
        ]
    );
    assert_eq!(fixture.count("customer_configurations", "true").await, 2);
    assert_eq!(fixture.count("phone_number_mapping", "true").await, 3);
    assert_eq!(fixture.count("phone_numbers", "label = 'Reception'").await, 1);

    apply(&fixture.storage, &wanted, true).await;
    let left = "vapi_assistant_id = 'asst_declared' AND vapi_phone_number IS NULL AND vapi_squad_id IS NULL";
    assert_eq!(fixture.count("customer_configurations", left).await, 1);
    assert_eq!(fixture.count("customer_configurations", "true").await, 1);
    assert_eq!(fixture.count("phone_number_mapping", "vapi_phone_number_id = 'pn_hand'").await, 1);
    assert_eq!(fixture.count("phone_number_mapping", "vapi_phone_number_id IS NULL").await, 1);
    assert_eq!(fixture.count("phone_number_mapping", "true").await, 2);
    let again = planned(&fixture.storage, &wanted, true).await;
    assert!(again.is_empty(), "{again}");
    let open = format!("organization_id = '{B}' AND valid_to IS NULL AND kind <> 'organization'");
    assert_eq!(fixture.count("identifiers", &open).await, 4);
}

async fn what_was_switched_off_is_declared_anew(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO agents (organization_id, id, vapi_assistant_id, is_active)
                VALUES ('{A}', '{A}', 'asst_1', false);
             INSERT INTO phone_numbers (organization_id, id, provider_phone_id, is_active)
                VALUES ('{A}', '{A}', 'pn_1', false);
             INSERT INTO customer_configurations (organization_id, id, vapi_squad_id, is_active)
                VALUES ('{A}', '{A}', 'squad_1', false);
             INSERT INTO customer_configurations (organization_id, id, vapi_assistant_id, vapi_squad_id, is_active)
                VALUES ('{A}', '{B}', 'asst_off', 'squad_2', false);"
        ))
        .await;
    let wanted = file(
        "[[organizations]]\nslug = \"northgate\"\nname = \"Northgate Dental\"\ntimezone = \"America/New_York\"\n\
         assistants = [{ id = \"asst_1\" }]\nsquads = [\"squad_1\", \"squad_2\"]\nphone_numbers = [{ id = \"pn_1\" }]",
    );
    let plan = apply(&fixture.storage, &wanted, true).await;
    // Northgate by its slug, though it was made under another id than the slug's.
    assert_eq!(
        lines(&plan),
        [
            "+ northgate assistant asst_1",
            "+ northgate squad squad_1",
            "+ northgate squad squad_2",
            "+ northgate phone number pn_1",
            "- harbour organization (Harbour Law, with everything that is stored for it)",
        ]
    );
    for table in ["agents", "phone_numbers", "customer_configurations"] {
        assert_eq!(fixture.count(table, &format!("id = '{A}' AND is_active")).await, 1, "{table}");
    }
    // A row that would have switched an assistant on too stays off.
    assert_eq!(
        fixture.count("customer_configurations", "vapi_assistant_id = 'asst_off' AND NOT is_active").await,
        1
    );
    assert_eq!(fixture.count("customer_configurations", "true").await, 3);
    assert!(planned(&fixture.storage, &wanted, true).await.is_empty());
}

async fn a_plan_alone_leaves_nothing(fixture: Fixture) {
    let plan = planned(&fixture.storage, &file(SAMPLE), true).await;
    assert_eq!(plan.changes.len(), 16);
    let mut dropped = open(&fixture.storage).await;
    operations::apply(&mut dropped, &plan).await.unwrap();
    drop(dropped);
    assert_eq!(open(&fixture.storage).await.list_organizations().await.unwrap().len(), 2);
    assert_eq!(fixture.count("organizations", "true").await, 2);
    assert_eq!(fixture.count("agents", "true").await, 0);
    // That somebody looked is kept.
    assert_eq!(fixture.count("audit_log", "action = 'open' AND actor = 'alex'").await, 3);
    assert_eq!(fixture.count("audit_log", "action <> 'open'").await, 0);
}

async fn a_second_owner_is_a_conflict_and_nothing_is_written(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_sarah')"
        ))
        .await;
    let wanted = file(SAMPLE);
    let mut scope = open(&fixture.storage).await;
    let stored = scope.organizations().await.unwrap();
    let error = plan(&stored, &wanted, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization northgate-dental, assistants: \"asst_sarah\" already belongs to organization northgate"
    );
    // It was mapped between plan and change: the database says it.
    let unaware = plan(&[], &wanted, false).unwrap();
    let error = operations::apply(&mut scope, &unaware).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let sentence = error.to_string();
    assert!(sentence.contains("assistant_id") && sentence.contains("already belongs to"), "{sentence}");
    scope.commit().await.unwrap_err();
    assert_eq!(fixture.count("organizations", "true").await, 2);
    assert_eq!(fixture.count("credentials", "true").await, 0);
    assert_eq!(fixture.count("audit_log", "action <> 'open'").await, 0);
    assert_eq!(open(&fixture.storage).await.list_organizations().await.unwrap().len(), 2);
}

async fn an_assistant_moves_in_one_go(fixture: Fixture) {
    let with = |northgate: &str, harbour: &str| {
        let (head, tail) = BEGINNING.rsplit_once("[[organizations]]").unwrap();
        file(&format!("{head}{northgate}\n[[organizations]]{tail}{harbour}"))
    };
    let fields = "assistants = [{ id = \"asst_1\" }]\nphone_numbers = [{ number = \"+15552010100\" }]";
    apply(&fixture.storage, &with("", fields), false).await;
    let moved = apply(&fixture.storage, &with(fields, ""), true).await;
    // In the file the new owner comes first, and the old one gives up first all the same.
    let signs: Vec<char> = lines(&moved).iter().map(|line| line.chars().next().unwrap()).collect();
    assert_eq!(signs, ['+', '+', '-', '-'], "{moved}");
    let open =
        format!("valid_to IS NULL AND value IN ('asst_1', '+15552010100') AND organization_id = '{A}'");
    assert_eq!(fixture.count("identifiers", &open).await, 2);
    // A number that is replaced is free for another organization in the same run.
    let number = |number: &str| format!("phone_numbers = [{{ id = \"pn\", number = \"{number}\" }}]");
    apply(&fixture.storage, &with(&number("+15552010101"), ""), true).await;
    let plan = apply(
        &fixture.storage,
        &with(&number("+15552010102"), "phone_numbers = [{ number = \"+15552010101\" }]"),
        false,
    )
    .await;
    assert_eq!(plan.changes.len(), 2, "{plan}");
}

async fn a_credential_without_a_secret_keeps_the_stored_one(fixture: Fixture) {
    let sealed = "SELECT CAST(sealed_secret AS text) AS v FROM credentials WHERE label = '2026'";
    let sealed = if fixture.is_postgres() {
        sealed
    } else {
        "SELECT hex(sealed_secret) AS v FROM credentials WHERE label = '2026'"
    };
    apply(&fixture.storage, &file(SAMPLE), false).await;
    let before = fixture.value(sealed).await;
    let kept = SAMPLE.replace(", secret = \"northgate secret\"", "").replace("2027-01-31", "2028-01-31");
    let changed = apply(&fixture.storage, &file(&kept), false).await;
    assert_eq!(changed.changes.len(), 1, "{changed}");
    // The validity is a part of the seal.
    assert_ne!(fixture.value(sealed).await, before);
    let mut scope = open(&fixture.storage).await;
    let stored = scope.organizations().await.unwrap();
    let northgate = stored.iter().find(|stored| stored.slug == "northgate-dental").unwrap();
    let secret = northgate.credentials[0].secret.as_ref().unwrap();
    assert_eq!(secret.expose(), b"northgate secret");
    assert_eq!(northgate.credentials[0].not_after.unwrap().to_rfc3339(), "2028-01-31T00:00:00+00:00");

    // A new credential cannot be without, also when the plan did not see that.
    let unaware = file(&SAMPLE.replace("\"2026\"", "\"2027\""));
    let mut plan = plan(&stored, &unaware, false).unwrap();
    for change in &mut plan.changes {
        if let Edit::Create(Entry::Credential(spec)) = &mut change.edit {
            spec.secret = None;
        }
    }
    let error = operations::apply(&mut scope, &plan).await.unwrap_err();
    assert_eq!(error.to_string(), "credential \"2027\" has no secret, and none is stored for it");
    scope.commit().await.unwrap_err();

    // Where somebody changed the terms by hand, the secret has to be given anew.
    fixture.execute("UPDATE credentials SET not_after = NULL WHERE label = '2026'").await;
    let mut by_hand = open(&fixture.storage).await;
    let wanted = file(&kept.replace("2028-01-31", "2029-01-31"));
    let stored = by_hand.organizations().await.unwrap();
    let refused = manifest::plan(&stored, &wanted, false).unwrap_err().to_string();
    assert!(refused.contains("its stored secret cannot be opened"), "{refused}");
    by_hand.rollback().await.unwrap();
    let given = kept.replace("label = \"2026\"", "label = \"2026\", secret = \"northgate secret\"");
    apply(&fixture.storage, &file(&given), false).await;
}

async fn opened_credentials_verify(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    let mut scope = open(&fixture.storage).await;
    let ring = scope.credentials(org(NORTHGATE)).await.unwrap();
    assert_eq!(ring.len(), 3);
    // printf '1795262400.{}' | openssl dgst -sha256 -hmac 'northgate secret'
    let headers = [("x-vapi-signature", SIGNATURE), ("x-vapi-timestamp", TIMESTAMP)];
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
    assert_eq!(ring.verify(&request, now()).unwrap().label(), "2026");
    assert!(scope.credentials(org(A)).await.unwrap().is_empty());
    scope.commit().await.unwrap();
    let read = format!("action = 'read secrets' AND subject = 'organization {NORTHGATE}'");
    assert_eq!(fixture.count("audit_log", &read).await, 1);
}

/// 2026-11-21T12:00:00Z, by `date -u +%s`.
const TIMESTAMP: &str = "1795262400";
const SIGNATURE: &str = "c63f63b13c11dde67dda1871049466f9c216e25aa64f7916628763d718687f68";

async fn every_change_is_written_down(fixture: Fixture) {
    let plan = apply(&fixture.storage, &file(SAMPLE), false).await;
    for change in &plan.changes {
        let line = format!(
            "action = 'create {}' AND subject = 'northgate-dental {}' AND actor = 'alex'
             AND CAST(detail AS text) LIKE '%a test%' AND CAST(detail AS text) LIKE '%{NORTHGATE}%'",
            change.entry().section().singular(),
            change.entry().subject()
        );
        assert_eq!(fixture.count("audit_log", &line).await, 1, "{change}");
    }
    let written = fixture.count("audit_log", "action LIKE 'create %'").await;
    assert_eq!(written, 14);
    for (actor, reason) in [("", "why"), ("who", " ")] {
        let error = fixture.storage.operator(actor, reason).await.unwrap_err();
        assert!(matches!(error, StorageError::Configuration(_)), "{error}");
    }
}

async fn secrets_cannot_be_read_in_rows(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    for secret in ["northgate secret", "custom secret", "old secret"] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let sealed =
            if fixture.is_postgres() { "encode(sealed_secret, 'hex')" } else { "lower(hex(sealed_secret))" };
        let shown = format!(
            "{sealed} LIKE '%{hex}%' OR CAST(recipe AS text) LIKE '%{secret}%' OR label LIKE '%{secret}%'"
        );
        assert_eq!(fixture.count("credentials", &shown).await, 0);
        let told = format!("CAST(detail AS text) LIKE '%{secret}%' OR subject LIKE '%{secret}%'");
        assert_eq!(fixture.count("audit_log", &told).await, 0);
    }
    assert_eq!(fixture.count("credentials", "length(sealed_secret) > 40").await, 3);
}

async fn secrets_that_cannot_be_opened_are_given_anew(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    fixture.execute("UPDATE credentials SET recipe = '{\"scheme\": \"none\"}' WHERE label = 'custom'").await;
    let other = Sealer::new(MasterKey::generate().unwrap());
    let storage = Storage::connect(fixture.config(), other).await.unwrap();
    let mut scope = open(&storage).await;
    let stored = scope.organizations().await.unwrap();
    let northgate = stored.iter().find(|stored| stored.slug == "northgate-dental").unwrap();
    let known: Vec<_> =
        northgate.credentials.iter().map(|spec| (spec.label.as_str(), spec.secret.is_some())).collect();
    assert_eq!(known.len(), 2);
    assert!(known.contains(&("2026", false)) && known.contains(&("old", false)));
    assert!(scope.credentials(org(NORTHGATE)).await.unwrap().is_empty());
    scope.rollback().await.unwrap();
    let plan = apply(&storage, &file(SAMPLE), false).await;
    assert_eq!(plan.changes.len(), 3, "{plan}");
    assert_eq!(open(&storage).await.credentials(org(NORTHGATE)).await.unwrap().len(), 3);
    assert!(planned(&storage, &file(SAMPLE), false).await.is_empty());
}

async fn one_organization_is_read_alone(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    fixture.execute("DELETE FROM audit_log").await;
    // A row that makes no sense is its own organization's trouble.
    fixture
        .execute(&format!("UPDATE organizations SET timezone = 'Atlantis/Capital' WHERE id = '{A}'"))
        .await;
    let mut scope = open(&fixture.storage).await;
    let read = scope.organization(org(NORTHGATE)).await.unwrap().unwrap();
    assert_eq!((read.slug.as_str(), read.credentials.len()), ("northgate-dental", 3));
    assert!(scope.organization(org("99999999-9999-4999-8999-999999999999")).await.unwrap().is_none());
    scope.commit().await.unwrap();
    assert_eq!(
        fixture.count("audit_log", "action = 'read secrets' AND subject = 'all organizations'").await,
        0
    );
    let line = format!("action = 'read secrets' AND subject = 'organization {NORTHGATE}'");
    assert_eq!(fixture.count("audit_log", &line).await, 1);
}

/// A caller that changes single entries, as an interface for people does, without a plan.
async fn entries_are_changed_one_by_one(fixture: Fixture) {
    let mut scope = open(&fixture.storage).await;
    let owner = Owner { id: org(A), slug: "northgate" };
    let sarah = |name: &str| {
        Entry::Assistant(Assistant { id: "asst_1".into(), name: name.into(), role: "inbound".into() })
    };
    let squad = Entry::Squad("squad_1".into());
    scope.insert(&owner, &sarah("Sara"), "new").await.unwrap();
    scope.insert(&owner, &squad, "new").await.unwrap();
    scope.update(&owner, &sarah("Sara"), &sarah("Sarah"), "renamed").await.unwrap();
    scope.delete(&owner, &squad, "gone").await.unwrap();
    let read = scope.organization(org(A)).await.unwrap().unwrap();
    assert_eq!(read.assistants.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Sarah"]);
    assert!(read.squads.is_empty());
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("agents", &format!("organization_id = '{A}' AND name = 'Sarah'")).await, 1);
    assert_eq!(fixture.count("agents", "true").await, 1);
    for action in ["create assistant", "create squad", "update assistant", "remove squad"] {
        assert_eq!(fixture.count("audit_log", &format!("action = '{action}'")).await, 1, "{action}");
    }
    // A conflict in one of them leaves nothing of the scope.
    let mut scope = open(&fixture.storage).await;
    scope.insert(&owner, &Entry::Squad("squad_2".into()), "new").await.unwrap();
    let other = Owner { id: org(B), slug: "harbour" };
    let taken = scope.insert(&other, &sarah("Sarah"), "new").await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict, "{taken}");
    scope.commit().await.unwrap_err();
    assert_eq!(fixture.count("customer_configurations", "true").await, 0);
}

async fn organizations_are_listed_and_found(fixture: Fixture) {
    fixture
        .execute(&format!(
            "INSERT INTO organizations (id, name, is_active) VALUES ('{NORTHGATE}', 'By Hand', false)"
        ))
        .await;
    let mut scope = open(&fixture.storage).await;
    let listed = scope.list_organizations().await.unwrap();
    assert_eq!(listed.len(), 3);
    let northgate = scope.find_organization(" Northgate ").await.unwrap().unwrap();
    assert_eq!(
        (northgate.id, northgate.name.as_str(), northgate.is_active),
        (org(A), "Northgate Dental", true)
    );
    let by_hand = scope.find_organization(&NORTHGATE.to_uppercase()).await.unwrap().unwrap();
    assert_eq!((by_hand.slug.as_deref(), by_hand.is_active), (None, false));
    assert_eq!(scope.find_organization("nobody").await.unwrap(), None);
    assert_eq!(scope.find_organization("").await.unwrap(), None);
    let stored = scope.organizations().await.unwrap();
    assert!(stored.iter().any(|stored| stored.slug == NORTHGATE && !stored.active));
    scope.rollback().await.unwrap();
    // A file gives it a slug by its id.
    let plan = apply(&fixture.storage, &file(SAMPLE), false).await;
    assert!(lines(&plan)[0].starts_with("~ northgate-dental organization (slug \"46cf2995-"), "{plan}");
    assert!(planned(&fixture.storage, &file(SAMPLE), false).await.is_empty());
}

async fn corrupt_rows_are_named(fixture: Fixture) {
    fixture.execute(&format!("UPDATE organizations SET timezone = 'Mars/Olympus' WHERE id = '{B}'")).await;
    let error = open(&fixture.storage).await.organizations().await.unwrap_err();
    assert_eq!(error.to_string(), format!("corrupt data in organizations.timezone, row {B}"));
}

async fn two_operators_at_once_agree(fixture: Fixture) {
    let wanted = file(SAMPLE);
    let run = || async {
        let mut scope = open(&fixture.storage).await;
        let made = plan(&[], &wanted, false).unwrap();
        operations::apply(&mut scope, &made).await?;
        scope.commit().await
    };
    let (one, other) = tokio::join!(run(), run());
    one.unwrap();
    other.unwrap();
    assert_eq!(fixture.count("agents", "true").await, 1);
    assert_eq!(fixture.count("phone_numbers", "true").await, 2);
    assert!(planned(&fixture.storage, &wanted, false).await.is_empty());
}

async fn the_sixth_credential_is_refused_and_pruning_makes_room(fixture: Fixture) {
    let with = |labels: &[&str]| {
        let credentials: Vec<String> = labels
            .iter()
            .map(|label| format!("{{ label = \"{label}\", preset = \"bearer\", secret = \"a secret\" }}"))
            .collect();
        let (head, tail) = BEGINNING.rsplit_once("[[organizations]]").unwrap();
        file(&format!("{head}credentials = [{}]\n[[organizations]]{tail}", credentials.join(", ")))
    };
    apply(&fixture.storage, &with(&["1", "2", "3", "4", "5"]), false).await;
    let wanted = with(&["2", "3", "4", "5", "6"]);
    let plan = planned(&fixture.storage, &wanted, false).await;
    let mut scope = open(&fixture.storage).await;
    let error = operations::apply(&mut scope, &plan).await.unwrap_err();
    assert!(error.to_string().ends_with("already has 5 active credentials: retire one first"), "{error}");
    drop(scope);
    apply(&fixture.storage, &wanted, true).await;
    assert_eq!(fixture.count("credentials", "label = '6'").await, 1);
    assert_eq!(fixture.count("credentials", "true").await, 5);
}

async fn changes_reach_the_directory(fixture: Fixture) {
    apply(&fixture.storage, &file(SAMPLE), false).await;
    let key =
        org_resolver::LookupKey::new(org_resolver::IdentifierKind::PhoneNumber, "+1 555 201 0100").unwrap();
    let owners = fixture.storage.directory().owners(&[key]).await.unwrap();
    assert_eq!(owners.histories[0][0].org, Some(org(NORTHGATE)));
}

on_both!(
    the_sample_is_applied_once,
    every_section_is_changed_in_place,
    what_the_file_leaves_out_goes_when_pruning,
    pruned_organizations_go_with_everything,
    hand_written_mappings_stay_until_pruned,
    what_was_switched_off_is_declared_anew,
    a_plan_alone_leaves_nothing,
    a_second_owner_is_a_conflict_and_nothing_is_written,
    an_assistant_moves_in_one_go,
    a_credential_without_a_secret_keeps_the_stored_one,
    opened_credentials_verify,
    every_change_is_written_down,
    secrets_cannot_be_read_in_rows,
    secrets_that_cannot_be_opened_are_given_anew,
    one_organization_is_read_alone,
    entries_are_changed_one_by_one,
    organizations_are_listed_and_found,
    corrupt_rows_are_named,
    two_operators_at_once_agree,
    the_sixth_credential_is_refused_and_pruning_makes_room,
    changes_reach_the_directory,
    a_file_reads_what_it_touches_and_no_other_organization,
);

/// One organization of a million is applied without the others.
async fn a_file_reads_what_it_touches_and_no_other_organization(fixture: Fixture) {
    let client = |assistant: &str| {
        format!("INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{B}', '{assistant}')")
    };
    fixture.execute(&client("asst_of_harbour")).await;
    let mut scope = fixture.storage.operator("a test", "a test").await.unwrap();
    let entry =
        |slug: &str, more: &str| file(&format!("[[organizations]]\nslug = \"{slug}\"\nname = \"X\"\n{more}"));
    for (declared, touched) in [
        (entry("northgate", ""), vec!["northgate"]),
        (entry("new", ""), vec![]),
        (entry("new", "assistants = [{ id = \"asst_of_harbour\" }]"), vec!["harbour"]),
        (entry("new", "assistants = [{ id = \"asst_of_nobody\" }]"), vec![]),
        (entry("northgate", "assistants = [{ id = \"asst_of_harbour\" }]"), vec!["harbour", "northgate"]),
        (entry("renamed", &format!("id = \"{A}\"")), vec!["northgate"]),
        (file(BEGINNING), vec!["harbour", "northgate"]),
    ] {
        let read = scope.organizations_of(&declared).await.unwrap();
        let mut slugs: Vec<&str> = read.iter().map(|organization| organization.slug.as_str()).collect();
        slugs.sort_unstable();
        assert_eq!(slugs, touched, "{declared:?}");
    }
    scope.rollback().await.unwrap();
}
