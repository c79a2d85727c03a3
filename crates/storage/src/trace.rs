//! Stored traces: LZ4 blocks with the length in front, made with a dictionary of the texts that every trace repeats.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_with_dict, uncompressed_size};
use serde_json::Value;

use crate::body::MAX_BYTES;

/// A trace without its values. Stored traces are read with it, so that it never changes.
const DICTIONARY: &[u8] = concat!(
    r#"","path":"metadata.assistantId","path":"message.customer.metadata.tenant_id","path":"message.session.phoneNumberId"#,
    r#"","path":"message.chat.assistantId","path":"message.phoneNumber.sipUri","path":"message.call.phoneNumber.number"#,
    r#"","path":"message.call.phoneNumber.twilioPhoneNumber","path":"message.call.assistantOverrides.metadata.org_id"#,
    r#"","path":"message.assistant.metadata.organization_id","path":"message.call.assistant.metadata.organizationId"#,
    r#"","path":"x-organization-id","result":"inactive","organization_id":"","result":"skipped","cached":false}],"#,
    r#""conflicts":[{"step":"metadata","value":"","path":"message.call.metadata.orgId","organization_id":""}],"duration_us":1"#,
    r#"{"steps":[{"step":"assistant_id","value":"","path":"message.assistantId","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"assistant_id","value":"","path":"message.call.assistantId","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"assistant_id","value":"","path":"message.assistant.id","result":"miss","cached":true},"#,
    r#"{"step":"phone_number_id","value":"","path":"message.phoneNumberId","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"phone_number_id","value":"","path":"message.call.phoneNumberId","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"phone_number_id","value":"","path":"message.phoneNumber.id","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"phone_number","value":"+1","path":"message.phoneNumber.number","result":"hit","organization_id":"","cached":true},"#,
    r#"{"step":"squad_id","value":"","path":"message.call.squadId","result":"miss","cached":false},"#,
    r#"{"step":"call_id","value":"","path":"message.call.id","result":"skipped","cached":false}],"duration_us":"#,
)
.as_bytes();

/// Packs a trace, which is a JSON document.
pub(crate) fn pack(trace: &str) -> Vec<u8> {
    compress_prepend_size_with_dict(trace.as_bytes(), DICTIONARY)
}

/// Unpacks a trace; `None` when it is corrupt.
pub(crate) fn unpack(packed: &[u8]) -> Option<Value> {
    let (length, block) = uncompressed_size(packed).ok()?;
    if length > MAX_BYTES {
        return None;
    }
    serde_json::from_slice(&decompress_with_dict(block, length, DICTIONARY).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn a_trace_is_little_more_than_its_values() {
        let look = |step: &str, value: &str, path: &str| {
            json!({"step": step, "value": value, "path": path, "result": "hit", "cached": true,
                "organization_id": "46cf2995-2bee-44e3-838b-24151486fe4e"})
        };
        let trace = json!({"steps": [
            look("assistant_id", "359680cb-8a7c-4b27-9f0b-51f7cf1f12f3", "message.call.assistantId"),
            look("phone_number_id", "a6e768d3-6f04-4d63-9a4c-9c76d3f2f0aa", "message.call.phoneNumberId"),
            look("phone_number_id", "a6e768d3-6f04-4d63-9a4c-9c76d3f2f0aa", "message.phoneNumber.id"),
            look("phone_number", "+15552010100", "message.phoneNumber.number"),
        ], "duration_us": 12});
        let text = trace.to_string();
        let packed = pack(&text);
        assert_eq!(unpack(&packed), Some(trace));
        assert!(packed.len() < text.len() / 3, "{} of {}", packed.len(), text.len());
    }

    #[test]
    fn a_stored_trace_is_read_for_ever() {
        // Length 12 in little-endian order, then by the LZ4 block format: a match of 7 so many bytes before the end of the
        // dictionary, and 5 literals.
        let [low, high] = 1020_u16.to_le_bytes();
        let stored = [12, 0, 0, 0, 0x03, low, high, 0x50, b'"', b':', b'[', b']', b'}'];
        assert_eq!(unpack(&stored), Some(json!({"steps": []})));
        let digest: String = Sha256::digest(DICTIONARY).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "d10066d9b7dbb2949842561e32cd38f4b4e3c6571f704694dc3b136b5e9bf8d5");
    }

    #[test]
    fn corrupt_traces_are_refused() {
        assert_eq!(unpack(b""), None);
        assert_eq!(unpack(&[255, 255, 255, 255, 0]), None);
        assert_eq!(unpack(&pack("{")), None);
    }

    proptest! {
        #[test]
        fn traces_come_back_as_they_were(values in proptest::collection::vec(".{0,40}", 0..9)) {
            let trace = json!({"steps": values});
            prop_assert_eq!(unpack(&pack(&trace.to_string())), Some(trace));
        }
    }
}
