//! Edited URLs keep everything that was not asked to change.

use test_support::{with_database, with_login};

#[test]
fn the_database_is_replaced_and_the_rest_stays() {
    for (url, expected) in [
        ("postgres://postgres@127.0.0.1:5499/postgres", "postgres://postgres@127.0.0.1:5499/t_1"),
        (
            "postgresql://u:p@db.example/old?sslmode=disable",
            "postgresql://u:p@db.example/t_1?sslmode=disable",
        ),
        ("postgres://u@h", "postgres://u@h/t_1"),
        ("postgres://u@h?application_name=a/b", "postgres://u@h/t_1?application_name=a/b"),
        ("postgres://u@[::1]:5432/", "postgres://u@[::1]:5432/t_1"),
    ] {
        assert_eq!(with_database(url, "t_1"), expected);
    }
}

#[test]
fn the_login_is_replaced_and_the_rest_stays() {
    for (url, expected) in [
        ("postgres://postgres@127.0.0.1:5499/t_1", "postgres://app:pw@127.0.0.1:5499/t_1"),
        ("postgres://u:p@ss@h/d?sslmode=disable", "postgres://app:pw@h/d?sslmode=disable"),
        ("postgres://h:1/d", "postgres://app:pw@h:1/d"),
    ] {
        assert_eq!(with_login(url, "app", "pw"), expected);
    }
}
