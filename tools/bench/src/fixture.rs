//! The organizations of a run: the same for every contender, named by their number, as `tools/bench/wrk/load.lua` names them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// How many organizations share the load where their number is not what is measured.
pub(super) const ORGANIZATIONS: usize = 20;

/// Signs the messages of organizations without a credential of their own.
pub(super) const SHARED_SECRET: &str = "bench: the secret of the deployment";

/// Base64 of 32 bytes that seal what this run stores, and nothing else.
pub(super) const MASTER_KEY: &str = "YmVuY2g6IHRoZSBzZWFsIG9mIHRoaXMgcnVuLCBvbmw=";

fn id(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-000000000001")
}

pub(super) fn assistant(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-0000000000a5")
}

pub(super) fn secret(number: usize) -> String {
    format!("bench: the secret of organization {number}")
}

/// Writes the file that the gateway applies: open around the clock, one service of a quarter of an hour, one number
/// whose calls go to the assistant.
///
/// # Errors
/// If it cannot be written.
pub(super) fn declare(directory: &Path, numbers: Range<usize>) -> Result<PathBuf> {
    let organization = |number: usize| {
        json!({
            "id": id(number),
            "slug": format!("bench-{number}"),
            "name": format!("Bench {number}"),
            "assistants": [{ "id": assistant(number), "name": "Sarah", "role": "inbound" }],
            "phone_numbers": [{
                "id": format!("{number:08x}-0000-4000-8000-0000000000f0"),
                "number": format!("+1555{number:07}"),
                "route": { "assistant": assistant(number) },
            }],
            "credentials": [{ "label": "bench", "preset": "x-vapi-signature", "secret": secret(number) }],
            "services": [{ "name": "check-up", "minutes": 15 }],
        })
    };
    let organizations: Vec<Value> = numbers.map(organization).collect();
    write(directory.join("declared.json"), &json!({ "organizations": organizations }))
}

/// Writes what the comparison handlers keep in memory: whose assistant it is, and that organization's secret.
///
/// # Errors
/// If it cannot be written.
pub(super) fn list(directory: &Path) -> Result<PathBuf> {
    let entry =
        |number| json!({ "id": id(number), "assistant": assistant(number), "secret": secret(number) });
    write(directory.join("listed.json"), &Value::Array((0..ORGANIZATIONS).map(entry).collect()))
}

fn write(path: PathBuf, value: &Value) -> Result<PathBuf> {
    fs::write(&path, value.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The statements with which an operator would add organizations by hand; the database's own triggers make their
/// identifiers. They have no credentials of their own.
pub(super) fn seed(numbers: Range<usize>) -> String {
    let (first, last) = (numbers.start, numbers.end.saturating_sub(1));
    format!(
        "INSERT INTO organizations (id, slug, name)
         SELECT (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000001')::uuid, 'bench-' || n, 'Bench ' || n
         FROM generate_series({first}, {last}) n;
         INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number)
         SELECT (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000001')::uuid,
                lpad(to_hex(n), 8, '0') || '-0000-4000-8000-0000000000a5', '+1555' || lpad(n::text, 7, '0')
         FROM generate_series({first}, {last}) n;"
    )
}
