//! Mapping rows that one statement writes are as if they had come one by one.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::support::{A, B, Fixture, on_postgres};

on_postgres!(
    rows_that_come_together_are_as_those_that_come_one_by_one,
    a_row_may_change_hands_in_one_statement
);

const ROUNDS: u32 = 60;

/// A row of `customer_configurations`: whose, which assistant, whether it is active.
type Row = (&'static str, u32, bool);

/// Numbers without a pattern, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % bound
    }

    fn rows(&mut self) -> Vec<Row> {
        let count = 1 + self.below(7);
        (0..count)
            .map(|_| (if self.below(2) == 0 { A } else { B }, self.below(9), self.below(4) > 0))
            .collect()
    }
}

fn insert(prefix: &str, rows: &[Row]) -> String {
    let values: Vec<String> = rows
        .iter()
        .map(|(organization, assistant, is_active)| {
            format!("('{organization}', '{prefix}{assistant}', {is_active})")
        })
        .collect();
    format!(
        "INSERT INTO customer_configurations (organization_id, vapi_assistant_id, is_active) VALUES {}",
        values.join(", ")
    )
}

/// The open identifiers by what follows the prefix. Of a value that only inactive rows name, in several organizations,
/// either may be the one that has it.
async fn open(client: &Client, prefix: &str) -> BTreeMap<String, (Option<String>, bool)> {
    let rows = client
        .query(
            "SELECT substr(i.value, length($1) + 1), i.organization_id::text, i.is_active,
                    (SELECT count(DISTINCT s.organization_id) FROM identifier_sources s
                     WHERE s.value = i.value AND s.kind = i.kind) AS owners
             FROM identifiers i WHERE i.kind = 'assistant_id' AND starts_with(i.value, $1) AND i.valid_to IS NULL",
            &[&prefix],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            let (is_active, owners) = (row.get(2), row.get::<_, i64>(3));
            (row.get(0), ((is_active || owners == 1).then(|| row.get(1)), is_active))
        })
        .collect()
}

/// Each round writes the same rows twice, under values of their own, and takes one organization's away again.
async fn rows_that_come_together_are_as_those_that_come_one_by_one(fixture: Fixture) {
    let client = fixture.person().await;
    let mut numbers = Numbers(1);
    let mut refusals = 0;
    for round in 0..ROUNDS {
        let rows = numbers.rows();
        let (together, single) = (format!("t{round}-"), format!("s{round}-"));
        let all = client.batch_execute(&insert(&together, &rows)).await;
        let each = format!(
            "BEGIN; {}; COMMIT",
            rows.iter().map(|row| insert(&single, &[*row])).collect::<Vec<_>>().join("; ")
        );
        let one_by_one = client.batch_execute(&each).await;
        assert_eq!(all.is_ok(), one_by_one.is_ok(), "{rows:?}: {all:?}, {one_by_one:?}");
        if let Err(refused) = all {
            let text = refused.as_db_error().unwrap().message().to_owned();
            assert!(text.starts_with("GW001: assistant_id"), "{text}");
            client.batch_execute("ROLLBACK").await.unwrap();
            refusals += 1;
            continue;
        }
        assert_eq!(open(&client, &together).await, open(&client, &single).await, "{rows:?}");

        let remove = format!(
            "DELETE FROM customer_configurations WHERE organization_id = '{B}' AND starts_with(vapi_assistant_id, '{together}')"
        );
        client.batch_execute(&remove).await.unwrap();
        for (_, assistant, _) in rows.iter().filter(|(organization, ..)| *organization == B) {
            let remove = format!(
                "DELETE FROM customer_configurations WHERE organization_id = '{B}' AND vapi_assistant_id = '{single}{assistant}'"
            );
            client.batch_execute(&remove).await.unwrap();
        }
        assert_eq!(
            open(&client, &together).await,
            open(&client, &single).await,
            "{rows:?} without those of {B}"
        );
    }
    assert!(0 < refusals && refusals < ROUNDS, "{refusals} of {ROUNDS} were refused: they show nothing");
}

async fn a_row_may_change_hands_in_one_statement(fixture: Fixture) {
    let client = fixture.person().await;
    client.batch_execute(&insert("moving-", &[(A, 1, true)])).await.unwrap();
    let refused = client.batch_execute(&insert("moving-", &[(B, 1, true)])).await.unwrap_err();
    assert!(refused.as_db_error().unwrap().message().starts_with("GW001"), "{refused:?}");
    client
        .batch_execute(&format!(
            "UPDATE customer_configurations SET organization_id = '{B}' WHERE organization_id = '{A}'"
        ))
        .await
        .unwrap();
    let open = open(&client, "moving-").await;
    assert_eq!(open["1"], (Some(B.to_owned()), true));
}
