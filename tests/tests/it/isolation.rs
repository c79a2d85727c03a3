//! Two organizations in one PostgreSQL database, seen with the rights that the gateway works with.

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Postgres, days_ahead};
use serde_json::json;
use uuid::Uuid;

use crate::support::{World, on_postgres, only_result};

on_postgres![
    without_a_scope_no_row_is_seen,
    in_a_scope_only_its_own_rows_are_seen,
    nothing_is_written_for_another_organization,
    the_working_role_cannot_step_out,
];

/// Two organizations with rows in every tenant table.
fn filled(database: Database) -> World {
    let world = World::new(database);
    let World { gateway, deployment, northgate, fontaneria } = &world;
    for organization in [northgate, fontaneria] {
        // The same call and tool-call ids in both: an id is no boundary.
        only_result(&gateway.answer(
            organization,
            &message::book("call-1", &organization.assistant, "call_1", days_ahead(3), "10:00"),
        ));
        let report = json!({"endedReason": "x", "artifact": {"transcript": "Hello."}, "analysis": {}});
        let report = of_kind("end-of-call-report", call("call-1", &organization.assistant), report);
        assert_eq!(gateway.send(organization, &report).status, 200);
        let mut contradiction = call("call-2", &organization.assistant);
        let other = if organization.id == northgate.id { fontaneria } else { northgate };
        contradiction["metadata"] = json!({"org_id": other.id});
        let body = of_kind("status-update", contradiction, json!({"status": "ringing"}));
        assert_eq!(gateway.send(organization, &body).status, 409);
        deployment.postgres().unwrap().run(&format!(
            "INSERT INTO phone_number_mapping (organization_id, inbound_phone_number, clinic_name)
             VALUES ('{id}', '{number}', 'by hand');
             INSERT INTO resources (organization_id, name) VALUES ('{id}', 'chair 1');
             INSERT INTO retention_marks (organization_id) VALUES ('{id}');",
            id = organization.id,
            number = organization.phone_number.replace("01", "55"),
        ));
    }
    let postgres = deployment.postgres().unwrap();
    for organization in [northgate, fontaneria] {
        for (table, rows) in postgres.row_counts_of(organization.id) {
            assert!(rows > 0, "{table} has no row of {}: what is empty proves nothing", organization.slug);
        }
    }
    world
}

/// Tenant tables on which the working role has a right.
fn tables_with(postgres: &Postgres, right: &str) -> Vec<String> {
    let mut tables = postgres.tenant_tables();
    tables.retain(|table| {
        let asked = format!("SELECT has_table_privilege('gateway_app', 'public.{table}', '{right}')");
        postgres.value(&asked).as_deref() == Some("t")
    });
    assert!(tables.len() > 4, "the working role has the right to {right} on {tables:?} only");
    tables
}

/// Runs statements as the working role, in an organization's scope if there is one, and undoes them.
fn as_app(postgres: &Postgres, scope: Option<Uuid>, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let scope = scope
        .map(|id| format!("SELECT set_config('app.organization_id', '{id}', true);"))
        .unwrap_or_default();
    postgres.attempt(&format!("BEGIN; SET LOCAL ROLE gateway_app; {scope} {sql}; "))
}

fn without_a_scope_no_row_is_seen(database: Database) {
    let world = filled(database);
    let postgres = world.deployment.postgres().unwrap();
    let readable = tables_with(postgres, "SELECT");
    for table in postgres.tenant_tables() {
        match as_app(postgres, None, &format!("SELECT count(*) FROM {table}")) {
            Ok(rows) => assert_eq!(rows, [[Some("0".to_owned())]], "{table}"),
            Err(reason) => {
                assert!(
                    !readable.contains(&table) && reason.contains("permission denied"),
                    "{table}: {reason}"
                );
            }
        }
    }
    // The organizations themselves have no `organization_id`, and are no less private.
    assert_eq!(
        as_app(postgres, None, "SELECT count(*) FROM organizations").unwrap(),
        [[Some("0".to_owned())]]
    );
    // A setting that was set and reset reads as an empty text, which must not match either.
    for setting in ["", " ", "not an id", "00000000-0000-0000-0000-000000000000"] {
        let sql = format!(
            "SELECT set_config('app.organization_id', '{setting}', true); SELECT count(*) FROM call_logs"
        );
        match as_app(postgres, None, &sql) {
            Ok(rows) => assert_eq!(rows, [[Some("0".to_owned())]], "{setting:?}"),
            Err(reason) => assert!(reason.contains("uuid"), "{setting:?}: {reason}"),
        }
    }
}

fn in_a_scope_only_its_own_rows_are_seen(database: Database) {
    let world = filled(database);
    let postgres = world.deployment.postgres().unwrap();
    let readable = tables_with(postgres, "SELECT");
    for organization in [&world.northgate, &world.fontaneria] {
        let own = postgres.row_counts_of(organization.id);
        for table in &readable {
            let sql = format!(
                "SELECT count(*), count(*) FILTER (WHERE organization_id = '{}') FROM {table}",
                organization.id
            );
            let rows = as_app(postgres, Some(organization.id), &sql).unwrap();
            let all = own.get(table).map(i64::to_string);
            assert_eq!(rows, [[all.clone(), all]], "{table}");
        }
        let seen = as_app(postgres, Some(organization.id), "SELECT id FROM organizations").unwrap();
        assert_eq!(seen, [[Some(organization.id.to_string())]]);
    }
}

fn nothing_is_written_for_another_organization(database: Database) {
    let world = filled(database);
    let postgres = world.deployment.postgres().unwrap();
    let (own, other) = (world.northgate.id, world.fontaneria.id);
    let before = postgres.row_counts();
    for table in tables_with(postgres, "INSERT") {
        // A row of its own, given to the other one: valid in every respect but its owner.
        let copy = |id: Uuid| {
            format!(
                "INSERT INTO {table} SELECT (jsonb_populate_record(it, jsonb_build_object(
                     'organization_id', '{id}', 'id', gen_random_uuid(), 'vapi_call_id', 'call-copied',
                     'dedupe_key', 'copied', 'phone', '+15550009', 'starts_at', '2031-01-01T10:00Z',
                     'ends_at', '2031-01-01T10:30Z', 'blocked_until', '2031-01-01T10:30Z',
                     'key_hash', '\\x00'))).* FROM {table} it LIMIT 1"
            )
        };
        let refusal = as_app(postgres, Some(own), &copy(other)).unwrap_err();
        assert!(refusal.contains("row-level security"), "{table}: {refusal}");
        // The same row with the right owner passes the policies, so that the refusal above had that one reason: it goes in,
        // or comes as far as the key of a table that has one row an organization.
        as_app(postgres, Some(own), &copy(own)).unwrap_or_else(|reason| {
            assert!(reason.contains("retention_marks_pkey"), "{table}: {reason}");
            Vec::new()
        });
        as_app(postgres, None, &copy(other)).unwrap_or_else(|reason| {
            // Without a scope there is no row to copy, so that nothing is inserted either way.
            assert!(reason.contains("row-level security"), "{table}: {reason}");
            Vec::new()
        });
    }
    for table in tables_with(postgres, "UPDATE") {
        let give_away = format!("UPDATE {table} SET organization_id = '{other}'");
        let refusal = as_app(postgres, Some(own), &give_away).unwrap_err();
        assert!(refusal.contains("row-level security"), "{table}: {refusal}");
        let take = format!(
            "UPDATE {table} SET organization_id = '{own}' WHERE organization_id = '{other}' RETURNING 1"
        );
        assert!(as_app(postgres, Some(own), &take).unwrap().is_empty(), "{table}");
    }
    assert_eq!(postgres.row_counts(), before);
}

fn the_working_role_cannot_step_out(database: Database) {
    let world = filled(database);
    let postgres = world.deployment.postgres().unwrap();
    let flags = postgres.run("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = 'gateway_app'");
    assert_eq!(flags, [["f"; 4].map(|flag| Some(flag.to_owned())).to_vec()]);
    let owned = "SELECT count(*) FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner WHERE rolname = 'gateway_app'";
    assert_eq!(postgres.count(owned), 0);
    for table in postgres.tenant_tables() {
        let forced = format!(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'public.{table}'::regclass"
        );
        assert_eq!(postgres.value(&forced).as_deref(), Some("t"), "{table}");
    }
    for forbidden in [
        "SELECT * FROM identifiers",
        "SELECT sealed_secret FROM credentials",
        "SELECT * FROM quarantine",
        "SELECT * FROM audit_log",
        "DELETE FROM appointments",
        "DROP TABLE appointments",
        "ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY",
        "CREATE TABLE public.mine ()",
        "INSERT INTO organizations (name) VALUES ('mine')",
        "UPDATE organizations SET name = 'mine'",
    ] {
        let refusal = as_app(postgres, Some(world.northgate.id), forbidden).unwrap_err();
        assert!(
            refusal.contains("permission denied") || refusal.contains("must be owner"),
            "{forbidden}: {refusal}"
        );
    }
    // The program itself works with this role, and not with its login's own rights.
    let application = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(postgres.count(application) > 0);
}
