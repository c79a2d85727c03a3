//! Clones are separate from each other and from the template, and leave nothing behind.

use test_support::TestDb;

async fn count_of(observer: &TestDb, name: &str) -> Vec<Vec<Option<String>>> {
    observer.rows(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")).await
}

fn one(value: &str) -> Vec<Vec<Option<String>>> {
    vec![vec![Some(value.to_owned())]]
}

#[tokio::test]
async fn two_clones_do_not_see_each_other() {
    let (Some(a), Some(b)) = (TestDb::create().await, TestDb::create().await) else { return };
    a.execute("CREATE TABLE only_in_a (id int); INSERT INTO only_in_a VALUES (7), (NULL)").await;

    let in_a = a.rows("SELECT id FROM only_in_a ORDER BY id").await;
    assert_eq!(in_a, [[Some("7".to_owned())], [None]]);
    assert_eq!(b.rows("SELECT count(*) FROM pg_class WHERE relname = 'only_in_a'").await, one("0"));
}

#[tokio::test]
async fn a_clone_holds_the_migrated_tables_and_an_empty_one_does_not() {
    const ORGANIZATIONS: &str =
        "SELECT count(*) FROM pg_class WHERE relname = 'organizations' AND relkind = 'r'";
    let (Some(migrated), Some(empty)) = (TestDb::create().await, TestDb::create_empty().await) else {
        return;
    };
    assert_eq!(migrated.rows(ORGANIZATIONS).await, one("1"));
    assert_eq!(empty.rows(ORGANIZATIONS).await, one("0"));
}

#[tokio::test]
async fn a_dropped_database_is_gone_although_a_connection_is_open() {
    let (Some(observer), Some(dropped)) = (TestDb::create_empty().await, TestDb::create_empty().await) else {
        return;
    };
    let name = dropped.name().to_owned();
    assert_eq!(count_of(&observer, &name).await, one("1"));

    let (_client, connection) = tokio_postgres::connect(&dropped.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    drop(dropped);
    assert_eq!(count_of(&observer, &name).await, one("0"));
}

#[tokio::test]
#[should_panic(expected = "the statement failed")]
async fn a_failing_statement_fails_the_test() {
    let Some(db) = TestDb::create_empty().await else {
        panic!("the statement failed to have a server: skipped");
    };
    db.execute("SELECT * FROM no_such_table").await;
}
