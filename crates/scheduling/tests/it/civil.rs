//! Civil times against Python's zoneinfo (`tests/make_civil.py`).

use chrono::{DateTime, NaiveDateTime, Utc};
use scheduling::{Civil, resolve};

#[test]
fn civil_times_mean_what_zoneinfo_says() {
    let (mut at, mut skipped) = (0, 0);
    for line in include_str!("../civil.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let civil: NaiveDateTime = columns[1].parse().unwrap();
        let instant: DateTime<Utc> = columns[3].parse().unwrap();
        let expected = match columns[2] {
            "at" => {
                at += 1;
                Civil::At(instant)
            }
            "skipped" => {
                skipped += 1;
                Civil::Skipped { next: columns[4].parse().unwrap(), at: instant }
            }
            other => panic!("unknown verdict {other}"),
        };
        assert_eq!(resolve(columns[0].parse().unwrap(), civil), expected, "{line}");
    }
    assert!(at > 1000 && skipped > 100, "{at} {skipped}");
}
