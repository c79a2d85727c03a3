//! PostgreSQL's own lock: policies on every tenant table, and a working role that cannot go around them.

use storage::{Storage, StorageConfig, StorageError};
use test_support::{TestDb, with_login};
use uuid::Uuid;

use crate::support::{A, B, Fixture, on_postgres, sealer};

on_postgres!(the_working_role_sees_one_organization_or_nothing,);

/// Every table that holds an organization's rows.
const TENANT: &str = "SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)";

#[tokio::test]
async fn every_tenant_table_is_isolated() {
    let Some(database) = TestDb::create().await else { return };
    assert_isolated(&database).await;
}

#[tokio::test]
async fn every_part_of_a_tenant_table_is_isolated() {
    let Some(database) = TestDb::create_partitioned().await else { return };
    assert_isolated(&database).await;
    // Parts are reached by their tables only.
    let open = database
        .rows(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE has_table_privilege('gateway_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
        )
        .await;
    assert!(open.is_empty(), "{open:?}");
}

async fn assert_isolated(database: &TestDb) {
    let tables = database
        .rows(&format!(
            "SELECT t.relname, t.relrowsecurity, t.relforcerowsecurity,
                    EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polcmd = '*'
                            AND p.polroles @> ARRAY['gateway_app'::regrole::oid]
                            AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL
                            AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.organization_id%'
                            AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%app.organization_id%')
             FROM ({TENANT}) t ORDER BY t.relname"
        ))
        .await;
    assert!(tables.len() >= 20, "too few tables to be all of them: {tables:?}");
    for table in tables {
        let name = table[0].clone().unwrap();
        let [enabled, forced, policy] = [1, 2, 3].map(|column| table[column].as_deref() == Some("t"));
        assert!(enabled && forced, "{name} does not force row-level security");
        // The one lookup table is none of the working role's business.
        let is_directory = name.starts_with("identifier");
        assert!(policy || is_directory, "{name} has no policy with a check");
    }
    let readable = database
        .rows(
            "SELECT has_table_privilege('gateway_app', t, 'SELECT, INSERT, UPDATE, DELETE')
               FROM unnest(ARRAY['identifiers', 'credentials', 'audit_log', 'quarantine', 'deployment']) t",
        )
        .await;
    assert!(readable.iter().all(|row| row[0].as_deref() == Some("f")), "{readable:?}");
}

async fn the_working_role_sees_one_organization_or_nothing(fixture: Fixture) {
    let fixture = &fixture;
    for (table, rows_of_both) in seeded_everywhere(fixture).await {
        let visible = |setting: &str| {
            let sql =
                format!("SET ROLE gateway_app; {setting} SELECT CAST(count(*) AS text) AS v FROM {table}");
            async move { fixture_rows(fixture, &sql).await }
        };
        assert_eq!(rows_of_both, 2, "{table} was not seeded");
        assert_eq!(visible("").await, 0, "{table} without a scope");
        assert_eq!(visible("SET app.organization_id = '';").await, 0, "{table} after a scope");
        assert_eq!(visible(&format!("SET app.organization_id = '{A}';")).await, 1, "{table} in a scope");
        let foreign = format!(
            "SET ROLE gateway_app; SET app.organization_id = '{A}';
             SELECT CAST(count(*) AS text) AS v FROM {table} WHERE organization_id = '{B}'"
        );
        assert_eq!(fixture_rows(fixture, &foreign).await, 0, "{table} of another");
    }
    // Writing into another organization is refused by the check, not by a missing right.
    fixture
        .execute(&format!(
            "SET ROLE gateway_app; SET app.organization_id = '{A}';
             INSERT INTO contacts (organization_id) VALUES ('{A}');
             DO $$ BEGIN
                 INSERT INTO contacts (organization_id) VALUES ('{B}');
                 RAISE EXCEPTION 'a row of another organization was let in';
             EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
             DO $$ BEGIN
                 UPDATE contacts SET organization_id = '{B}';
                 RAISE EXCEPTION 'a row was moved to another organization';
             EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        ))
        .await;
}

async fn fixture_rows(fixture: &Fixture, sql: &str) -> i64 {
    fixture.value(sql).await.unwrap().parse().unwrap()
}

/// One row for each organization in every table that the working role may read.
async fn seeded_everywhere(fixture: &Fixture) -> Vec<(&'static str, i64)> {
    let rows = [
        ("customer_configurations", "vapi_assistant_id", "'asst_' || o.slug"),
        ("agents", "vapi_assistant_id", "'asst_' || o.slug"),
        ("phone_numbers", "provider_phone_id", "'pn_' || o.slug"),
        ("phone_number_mapping", "inbound_phone_number", "'sip:' || o.slug || '@example.org'"),
        ("call_logs", "vapi_call_id", "'call-1'"),
        ("call_reports", "vapi_call_id", "'call-1'"),
        ("call_pins", "vapi_call_id", "'call-2'"),
        (
            "webhook_events",
            "kind, dedupe_key, trace, body, body_bytes, request_id",
            "'x', 'x', '', '', 0, 'x'",
        ),
        ("tool_results", "key_hash, vapi_call_id, tool_call_id, tool", "'x', 'x', 'x', 'x'"),
        ("contacts", "name", "'Ada'"),
        (
            "appointments",
            "starts_at, ends_at, blocked_until",
            "now(), now() + interval '1 h', now() + interval '1 h'",
        ),
        ("services", "name", "'x'"),
        ("resources", "name", "'x'"),
        ("opening_hours", "weekday, opens, closes", "1, '09:00', '17:00'"),
        ("closures", "from_date, to_date", "'2026-12-24', '2026-12-26'"),
        ("transfer_destinations", "department", "'x'"),
        ("knowledge_documents", "path, content", "'x', 'x'"),
        ("security_log", "event", "'conflict'"),
    ];
    let mut counts = Vec::new();
    for (table, columns, values) in rows {
        fixture
            .execute(&format!(
                "INSERT INTO {table} (organization_id, {columns}) SELECT o.id, {values} FROM organizations o"
            ))
            .await;
        // Two of the ledger's triggers write pins of their own.
        let condition = if table == "call_pins" { "vapi_call_id = 'call-2'" } else { "true" };
        counts.push((table, fixture.count(table, condition).await));
        if table == "call_logs" {
            fixture.execute("DELETE FROM call_pins").await;
        }
    }
    counts
}

async fn refusal(config: StorageConfig) -> String {
    match Storage::connect(config, sealer()).await {
        Err(StorageError::Configuration(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("the role was taken"),
    }
}

#[tokio::test]
async fn a_role_that_bypasses_policies_is_refused() {
    let Some(database) = TestDb::create().await else { return };
    let mut config = StorageConfig::new(database.url().parse().unwrap());
    config.assume_roles = false;
    assert!(refusal(config.clone()).await.contains("is a superuser"));

    let role = format!("t_{}", Uuid::now_v7().simple());
    database.execute(&format!("CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'hush'")).await;
    config.url = with_login(&database.url(), &role, "hush").parse().unwrap();
    let bypassing = refusal(config.clone()).await;
    // A right that is only a SET ROLE away counts as well.
    database.execute(&format!("ALTER ROLE {role} NOBYPASSRLS; GRANT gateway_owner TO {role}")).await;
    let owning = refusal(config.clone()).await;
    database.execute(&format!("REVOKE gateway_owner FROM {role}; DROP ROLE {role}")).await;
    assert!(bypassing.ends_with(&format!("has BYPASSRLS: ALTER ROLE {role} NOBYPASSRLS")), "{bypassing}");
    assert!(owning.contains(&format!("REVOKE gateway_owner FROM {role}")), "{owning}");
}

/// A login for the working role and one for the directory, each with its role's rights and what a case adds.
async fn separate_logins(database: &TestDb, app: &str, directory: &str) -> Result<(), StorageError> {
    let [working, reading] = ["w", "d"].map(|kind| format!("t_{kind}_{}", Uuid::now_v7().simple()));
    database
        .execute(&format!(
            "CREATE ROLE {working} LOGIN PASSWORD 'hush'; CREATE ROLE {reading} LOGIN PASSWORD 'hush';
             GRANT gateway_app TO {working}; GRANT gateway_directory TO {reading};
             {}; {}",
            app.replace("ROLE_NAME", &working),
            directory.replace("ROLE_NAME", &reading)
        ))
        .await;
    let mut config = StorageConfig::new(with_login(&database.url(), &working, "hush").parse().unwrap());
    config.directory_url = Some(with_login(&database.url(), &reading, "hush"));
    config.assume_roles = false;
    let connected = Storage::connect(config, sealer()).await.map(|_| ());
    database.execute(&format!("DROP ROLE {working}; DROP ROLE {reading}")).await;
    connected
}

#[tokio::test]
async fn a_login_with_more_than_its_role_is_refused_with_what_to_do() {
    let Some(database) = TestDb::create().await else { return };
    separate_logins(&database, "", "").await.unwrap();
    let attributes = ["BYPASSRLS", "CREATEROLE", "REPLICATION"];
    let cases =
        attributes.map(|it| (format!("ALTER ROLE ROLE_NAME {it}"), format!("NO{it}"))).into_iter().chain(
            [
                "gateway_owner",
                "gateway_operator",
                "pg_read_all_data",
                "pg_write_all_data",
                "pg_read_server_files",
                "pg_execute_server_program",
            ]
            .map(|it| (format!("GRANT {it} TO ROLE_NAME"), format!("REVOKE {it} FROM"))),
        );
    for (added, mend) in cases {
        for (app, directory) in [(added.as_str(), ""), ("", added.as_str())] {
            let refused = separate_logins(&database, app, directory).await.unwrap_err().to_string();
            assert!(refused.contains(&mend), "{added}: {refused}");
            assert_eq!(refused.contains("working role"), directory.is_empty(), "{added}: {refused}");
        }
    }
    // Each one's own role is the other's too much, and the way there may be long.
    let foreign = [
        ("GRANT gateway_directory TO ROLE_NAME", "", "gateway_directory"),
        ("", "GRANT gateway_app TO ROLE_NAME", "gateway_app"),
    ];
    for (app, directory, role) in foreign {
        let refused = separate_logins(&database, app, directory).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("can act as {role}")), "{refused}");
    }
    let between = format!("t_b_{}", Uuid::now_v7().simple());
    database.execute(&format!("CREATE ROLE {between}; GRANT gateway_operator TO {between}")).await;
    let added = format!("GRANT {between} TO ROLE_NAME");
    let refused = separate_logins(&database, &added, "").await.unwrap_err().to_string();
    database.execute(&format!("DROP ROLE {between}")).await;
    assert!(refused.contains("can act as gateway_operator"), "{refused}");
}

/// What a refusal says to do is what mends it.
#[tokio::test]
async fn policies_that_are_not_those_of_the_migrations_are_refused_with_what_to_do() {
    let Some(database) = TestDb::create().await else { return };
    let config = StorageConfig::new(database.url().parse().unwrap());
    for change in [
        "ALTER POLICY org_isolation ON contacts USING (true)",
        "ALTER POLICY org_isolation ON contacts WITH CHECK (true)",
        "ALTER POLICY org_isolation ON contacts TO PUBLIC USING (organization_id IS NOT NULL)",
        "ALTER POLICY org_isolation ON organizations USING (true)",
        "CREATE POLICY everybody ON agents FOR SELECT USING (true)",
        "CREATE POLICY \"a \"\"name\" ON agents FOR DELETE TO gateway_app USING (true)",
        "DROP POLICY org_isolation ON webhook_events",
        "ALTER TABLE call_logs DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE call_logs NO FORCE ROW LEVEL SECURITY",
    ] {
        database.execute(change).await;
        let refused = refusal(config.clone()).await;
        let (_, mend) = refused.split_once(": ").unwrap_or_else(|| panic!("{change}: {refused}"));
        database.execute(mend).await;
        if let Err(error) = Storage::connect(config.clone(), sealer()).await {
            panic!("{change}: {refused}: {error}");
        }
    }
    // A policy that allows less, or is for somebody else, is nobody's trouble.
    database
        .execute(
            "CREATE POLICY fewer ON agents AS RESTRICTIVE TO gateway_app USING (is_active);
             CREATE POLICY reports ON agents TO pg_monitor USING (true)",
        )
        .await;
    Storage::connect(config, sealer()).await.unwrap();
}

#[tokio::test]
async fn tables_that_do_not_force_policies_are_refused() {
    let Some(database) = TestDb::create().await else { return };
    let config = StorageConfig::new(database.url().parse().unwrap());
    Storage::connect(config.clone(), sealer()).await.unwrap();
    database.execute("ALTER TABLE agents NO FORCE ROW LEVEL SECURITY").await;
    assert!(refusal(config.clone()).await.starts_with("table agents does not force row-level security: "));
    database
        .execute(
            "ALTER TABLE agents FORCE ROW LEVEL SECURITY; ALTER TABLE contacts DISABLE ROW LEVEL SECURITY",
        )
        .await;
    assert!(refusal(config.clone()).await.starts_with("table contacts does not force row-level security: "));
    database
        .execute("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY; ALTER TABLE agents OWNER TO gateway_app")
        .await;
    let refused = refusal(config).await;
    assert!(
        refused.starts_with("the working role gateway_app can act as the owner of table agents: "),
        "{refused}"
    );
}

/// A role that may not choose the language is taken where the messages are English, and refused where they are not.
#[tokio::test]
async fn messages_that_cannot_be_told_apart_are_refused() {
    let Some(database) = TestDb::create_german().await else { return };
    let role = format!("t_{}", Uuid::now_v7().simple());
    // A stranger to the roles of the gateway that was granted what they may read.
    database
        .execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'hush';
             GRANT SELECT ON organizations, identifiers, credentials, call_pins TO {role}"
        ))
        .await;
    let mut config = StorageConfig::new(with_login(&database.url(), &role, "hush").parse().unwrap());
    config.assume_roles = false;
    let german = refusal(config.clone()).await;
    let migration = Storage::migrate(&config).await.unwrap_err().to_string();
    database.execute(&format!("ALTER DATABASE \"{}\" RESET lc_messages", database.name())).await;
    let english = Storage::connect(config, sealer()).await.map(|_| ());
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    let mend = format!("GRANT SET ON PARAMETER lc_messages TO \"{role}\"");
    assert!(german.ends_with(&mend), "{german}");
    assert!(migration.ends_with(&mend), "{migration}");
    english.unwrap();
}

#[tokio::test]
async fn a_database_without_tables_is_refused() {
    let Some(database) = TestDb::create_empty().await else { return };
    let config = StorageConfig::new(database.url().parse().unwrap());
    let text = refusal(config).await;
    assert!(text.contains("migrate") || text.contains("permission denied"), "{text}");
}

#[tokio::test]
async fn a_wrong_login_is_told_from_a_database_that_is_away() {
    let Some(database) = TestDb::create().await else { return };
    let unknown = with_login(&database.url(), "nobody_of_that_name", "x");
    let text = refusal(StorageConfig::new(unknown.parse().unwrap())).await;
    assert!(text.starts_with("the database refuses the login"), "{text}");
    // A server that offers no TLS, or shows a certificate that nobody vouches for, is never talked to in the clear.
    let url = database.url();
    let joint = if url.contains('?') { '&' } else { '?' };
    let encrypted = StorageConfig::new(format!("{url}{joint}sslmode=require").parse().unwrap());
    let error = Storage::connect(encrypted, sealer()).await.unwrap_err();
    assert_eq!(error.kind(), storage::ErrorKind::Transient, "{error:?}");
    // The discard port has no listener.
    let away = StorageConfig::new("postgres://x@127.0.0.1:9/x".parse().unwrap());
    let error = Storage::connect(away, sealer()).await.unwrap_err();
    assert_eq!(error.kind(), storage::ErrorKind::Transient);
}
