//! Migrations, key files and readiness.

use futures::future::join_all;
use storage::{DatabaseUrl, ErrorKind, MasterKey, Sealer, Storage, StorageConfig, StorageError};
use test_support::TestDb;

use crate::support::{Fixture, KEY, on_both, on_postgres, sealer};

on_both!(
    health_tells_whether_migrations_fit,
    health_waits_for_no_work,
    a_database_of_a_newer_program_is_refused,
    a_key_that_is_not_the_database_s_own_is_refused,
    a_canary_is_sealed_once_and_anew_by_the_next_key,
);
on_postgres!(a_database_that_takes_no_writes_is_not_well);

async fn health_tells_whether_migrations_fit(fixture: Fixture) {
    fixture.storage.health().await.unwrap();
    let fresh = fixture.reopened(|_| ()).await;
    fixture.execute("DELETE FROM __diesel_schema_migrations").await;
    let pending = fresh.health().await.unwrap_err();
    assert!(
        matches!(&pending, StorageError::Configuration(text) if text.contains("is pending")),
        "{pending:?}"
    );
    // A schema once seen to fit is not asked for again.
    fixture.storage.health().await.unwrap();
}

async fn health_waits_for_no_work(fixture: Fixture) {
    let storage = fixture.reopened(|config| config.max_connections = 1).await;
    // The only connection of scopes, and on SQLite the only writer.
    let scope = storage.scope(&fixture.a).await.unwrap();
    storage.health().await.unwrap();
    scope.commit().await.unwrap();
}

async fn a_database_that_takes_no_writes_is_not_well(fixture: Fixture) {
    let storage = fixture.reopened(|_| ()).await;
    let told = |setting: &str| {
        format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {setting}', current_database()); END $$")
    };
    fixture.execute(&told("SET default_transaction_read_only = on")).await;
    let refused = storage.health().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Transient, "{refused:?}");
    // A session that began then is not asked again.
    let person = fixture.person().await;
    for sql in ["SET default_transaction_read_only = off", &told("RESET default_transaction_read_only")] {
        person.batch_execute(sql).await.unwrap();
    }
    storage.health().await.unwrap();
}

fn configuration(refused: Result<impl Sized, StorageError>) -> String {
    match refused.map(|_| ()) {
        Err(StorageError::Configuration(text)) => text,
        other => panic!("{other:?}"),
    }
}

async fn a_database_of_a_newer_program_is_refused(fixture: Fixture) {
    fixture.storage.prove().await.unwrap();
    fixture.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')").await;
    for refused in [
        configuration(fixture.storage.prove().await),
        configuration(Storage::migrate(&fixture.config()).await),
    ] {
        assert!(refused.contains("newer") && refused.contains("29991231000001"), "{refused}");
    }
}

/// A store on the same database with other keys, the first of which seals.
async fn with_keys(fixture: &Fixture, keys: &[&MasterKey]) -> Storage {
    let mut keys = keys.iter().map(|key| (*key).clone());
    let sealer = keys.next().map_or_else(Sealer::without_key, |key| Sealer::with_retired(key, keys));
    Storage::connect(fixture.config(), sealer).await.unwrap()
}

async fn a_key_that_is_not_the_database_s_own_is_refused(fixture: Fixture) {
    let [own, other] = [(); 2].map(|()| MasterKey::generate().unwrap());
    // Work without a key makes none the database's own.
    let keyless = with_keys(&fixture, &[]).await;
    keyless.prove().await.unwrap();
    assert!(!keyless.is_sealed().await.unwrap());
    for _ in 0..2 {
        with_keys(&fixture, &[&own]).await.prove().await.unwrap();
    }
    assert!(keyless.is_sealed().await.unwrap());
    keyless.prove().await.unwrap();
    let refused = configuration(with_keys(&fixture, &[&other]).await.prove().await);
    assert!(refused.contains(&own.id()) && refused.contains(&other.id()), "{refused}");
    assert!(refused.contains("GATEWAY_MASTER_KEY"), "{refused}");
    // The sentence mends it.
    let (_, mend) = refused.split_once("after ").unwrap();
    fixture.execute(mend).await;
    with_keys(&fixture, &[&other]).await.prove().await.unwrap();
}

async fn a_canary_is_sealed_once_and_anew_by_the_next_key(fixture: Fixture) {
    let [old, new] = [(); 2].map(|()| MasterKey::generate().unwrap());
    let keys = [&old];
    let stores = join_all((0..4).map(|_| with_keys(&fixture, &keys))).await;
    for proven in join_all(stores.iter().map(Storage::prove)).await {
        proven.unwrap();
    }
    assert_eq!(fixture.count("deployment", "name = 'canary'").await, 1);
    with_keys(&fixture, &[&new, &old]).await.prove().await.unwrap();
    with_keys(&fixture, &[&new]).await.prove().await.unwrap();
    configuration(with_keys(&fixture, &[&old]).await.prove().await);
}

/// Migrates the same database several times at once, and once more: one run does the work.
async fn migrate_side_by_side(config: StorageConfig) {
    let tasks = (0..4).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { Storage::migrate(&config).await.unwrap() })
    });
    let reports: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(reports.iter().filter(|report| !report.applied.is_empty()).count(), 1, "{reports:?}");
    assert!(Storage::migrate(&config).await.unwrap().applied.is_empty());
    Storage::connect(config, sealer()).await.unwrap().health().await.unwrap();
}

#[tokio::test]
async fn sqlite_is_migrated_once() {
    let directory = tempfile::tempdir().unwrap();
    migrate_side_by_side(StorageConfig::new(DatabaseUrl::Sqlite(directory.path().join("new").join("g.db"))))
        .await;
}

#[tokio::test]
async fn postgres_is_migrated_once() {
    let Some(database) = TestDb::create_empty().await else { return };
    migrate_side_by_side(StorageConfig::new(database.url().parse().unwrap())).await;
}

#[tokio::test]
async fn a_sqlite_file_that_was_not_migrated_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let config = StorageConfig::new(DatabaseUrl::Sqlite(path.clone()));
    for _ in 0..2 {
        let refused = Storage::connect(config.clone(), sealer()).await.unwrap_err();
        assert!(refused.to_string().contains("vapi-gateway migrate"), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::Internal);
        // First without a file, then with an empty one.
        std::fs::write(&path, "").unwrap();
    }
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let config = StorageConfig::new(DatabaseUrl::Sqlite(data.join("gateway.db")));
    Storage::migrate(&config).await.unwrap();
    let _storage = Storage::connect(config, sealer()).await.unwrap();
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_is_made_once_and_private() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data").join("master.key");
    let made = MasterKey::load_or_create(&path).unwrap();
    assert_eq!(MasterKey::load_or_create(&path).unwrap().id(), made.id());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = MasterKey::load_or_create(&path).unwrap_err();
    assert!(refused.to_string().contains("can be read by others"), "{refused}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, format!("{KEY}\n")).unwrap();
    assert_eq!(MasterKey::load_or_create(&path).unwrap().id(), "66687aad");
    std::fs::write(&path, "not a key").unwrap();
    assert!(MasterKey::load_or_create(&path).is_err());
}

#[test]
fn processes_that_start_at_once_agree_on_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| MasterKey::load_or_create(&path).unwrap().id())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn tables_in_parts_are_made_once_and_stay() {
    let Some(database) = TestDb::create_empty().await else { return };
    let config = |partitions| {
        let mut config = StorageConfig::new(database.url().parse().unwrap());
        config.partitions = partitions;
        config
    };
    assert!(!Storage::migrate(&config(3)).await.unwrap().applied.is_empty());
    let parts =
        database.rows("SELECT count(*) FROM pg_inherits WHERE inhparent = 'webhook_events'::regclass").await;
    assert_eq!(parts, [[Some("3".to_owned())]]);
    for partitions in [1, 3] {
        assert!(Storage::migrate(&config(partitions)).await.unwrap().applied.is_empty());
    }
    let refused = Storage::migrate(&config(4)).await.unwrap_err();
    assert!(refused.to_string().contains("in 3 parts"), "{refused}");
    Storage::connect(config(1), sealer()).await.unwrap().health().await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let mut embedded = StorageConfig::new(DatabaseUrl::Sqlite(directory.path().join("g.db")));
    embedded.partitions = 3;
    let refused = Storage::migrate(&embedded).await.unwrap_err();
    assert!(refused.to_string().contains("--partitions"), "{refused}");
}
