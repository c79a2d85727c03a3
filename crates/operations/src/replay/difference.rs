//! The differences between two looks at the same rows.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::snapshot::{Fields, Snapshot};

/// The change of one row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowChange {
    /// The table.
    pub table: &'static str,
    /// The row's key: a call's id, a message's dedupe key, a contact's number.
    pub row: String,
    /// How it changed.
    pub change: ChangeKind,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// How a row changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was made.
    Created,
    /// Some of its fields changed.
    Changed,
    /// It is gone.
    Removed,
}

/// The change of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: &'static str,
    /// The value before; null for nothing.
    pub before: Value,
    /// The value now; null for nothing.
    pub after: Value,
}

/// Every row that differs, by table and row; empty when nothing does.
pub(super) fn between(before: &Snapshot, after: &Snapshot) -> Vec<RowChange> {
    let rows: BTreeSet<_> = before.rows.keys().chain(after.rows.keys()).collect();
    rows.into_iter()
        .filter_map(|key| {
            let (table, row) = key;
            let (old, new) = (before.rows.get(key), after.rows.get(key));
            let change = match (old, new) {
                (None, Some(_)) => ChangeKind::Created,
                (Some(_), None) => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            };
            let fields = differing(old, new);
            let is_same = change == ChangeKind::Changed && fields.is_empty();
            (!is_same).then(|| RowChange { table, row: row.clone(), change, fields })
        })
        .collect()
}

fn differing(before: Option<&Fields>, after: Option<&Fields>) -> Vec<FieldChange> {
    let names: BTreeSet<&'static str> =
        before.into_iter().chain(after).flat_map(|fields| fields.keys().copied()).collect();
    let value = |fields: Option<&Fields>, name| fields.and_then(|fields| fields.get(name)).cloned();
    names
        .into_iter()
        .map(|field| FieldChange {
            field,
            before: value(before, field).unwrap_or_default(),
            after: value(after, field).unwrap_or_default(),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A table, a row, and what it holds.
    type Row<'a> = (&'static str, &'a str, &'a [(&'static str, Value)]);

    fn snapshot(rows: &[Row<'_>]) -> Snapshot {
        let rows = rows.iter().map(|(table, row, fields)| {
            ((*table, (*row).to_owned()), fields.iter().cloned().collect::<Fields>())
        });
        Snapshot { rows: rows.collect() }
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = snapshot(&[
            ("call_logs", "c", &[("status", json!("queued")), ("cost", json!(1.5))]),
            ("contacts", "+1", &[("name", json!("Ann"))]),
            ("call_pins", "old", &[]),
        ]);
        let after = snapshot(&[
            ("call_logs", "c", &[("status", json!("ended")), ("cost", json!(1.5))]),
            ("contacts", "+1", &[("name", json!("Ann"))]),
            ("call_pins", "new", &[]),
        ]);
        let changes = between(&before, &after);
        assert_eq!(
            serde_json::to_value(&changes).unwrap(),
            json!([
                {"table": "call_logs", "row": "c", "change": "changed",
                 "fields": [{"field": "status", "before": "queued", "after": "ended"}]},
                {"table": "call_pins", "row": "new", "change": "created", "fields": []},
                {"table": "call_pins", "row": "old", "change": "removed", "fields": []},
            ])
        );
    }

    #[test]
    fn the_same_rows_give_an_empty_difference() {
        let rows = snapshot(&[("call_logs", "c", &[("status", json!("ended"))])]);
        assert_eq!(between(&rows, &snapshot(&[("call_logs", "c", &[("status", json!("ended"))])])), []);
    }

    #[test]
    fn a_new_row_shows_what_it_holds() {
        let after = snapshot(&[("contacts", "+1", &[("name", json!("Ann")), ("email", Value::Null)])]);
        let changes = between(&Snapshot::default(), &after);
        assert_eq!(changes.len(), 1);
        assert_eq!(
            changes[0].fields,
            [FieldChange { field: "name", before: Value::Null, after: json!("Ann") }]
        );
    }
}
