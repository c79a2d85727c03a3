//! The answers that a call has to get.

use serde_json::{Value, json};

/// The answer that the provider would accept and the script needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected<'a> {
    /// An empty object: the message was taken.
    Taken,
    /// The route to this assistant.
    Assistant(&'a str),
    /// One result, on one line, for the tool call of this id.
    Result(&'a str),
}

impl Expected<'_> {
    /// Checks an answer.
    ///
    /// # Errors
    /// A sentence that says what it should have been.
    pub(super) fn check(self, status: u16, text: &str) -> Result<(), String> {
        if status != 200 {
            return Err(format!("the status is {status}, not 200"));
        }
        let Ok(answer) = serde_json::from_str::<Value>(text) else {
            return Err("the answer is not JSON".to_owned());
        };
        match self {
            Self::Taken if answer == json!({}) => Ok(()),
            Self::Taken => Err("the answer is not {}".to_owned()),
            Self::Assistant(id) if answer.get("assistantId").and_then(Value::as_str) == Some(id) => Ok(()),
            Self::Assistant(id) => Err(format!("the answer does not name the assistant {id}")),
            Self::Result(id) => result(&answer, id),
        }
    }
}

fn result(answer: &Value, id: &str) -> Result<(), String> {
    let Some([entry]) = answer.get("results").and_then(Value::as_array).map(Vec::as_slice) else {
        return Err("the answer does not have exactly one entry in results".to_owned());
    };
    if entry.get("toolCallId").and_then(Value::as_str) != Some(id) {
        return Err(format!("the entry is not for the tool call {id}"));
    }
    if let Some(error) = entry.get("error") {
        return Err(format!("the tool failed: {error}"));
    }
    match entry.get("result").and_then(Value::as_str) {
        Some(sentence) if !sentence.trim().is_empty() && !sentence.contains('\n') => Ok(()),
        _ => Err("the result is no sentence on one line".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Expected;

    #[test]
    fn only_what_the_provider_accepts_is_good() {
        let result = Expected::Result("call_1");
        let good = r#"{"results":[{"toolCallId":"call_1","name":"bookAppointment","result":"Done."}]}"#;
        assert_eq!(result.check(200, good), Ok(()));
        for (status, text) in [
            (500, good),
            (200, "Done."),
            (200, r#"{"results":[]}"#),
            (200, r#"{"messageResponse":{"results":[{"toolCallId":"call_1","result":"Done."}]}}"#),
            (200, r#"{"results":[{"toolCallId":"call_2","result":"Done."}]}"#),
            (200, r#"{"results":[{"toolCallId":"call_1","error":"No."}]}"#),
            (200, r#"{"results":[{"toolCallId":"call_1","result":"two\nlines"}]}"#),
            (200, r#"{"results":[{"toolCallId":"call_1","result":{"ok":true}}]}"#),
        ] {
            assert!(result.check(status, text).is_err(), "{status} {text}");
        }
        assert_eq!(Expected::Taken.check(200, "{}"), Ok(()));
        assert!(Expected::Taken.check(200, r#"{"error":"x"}"#).is_err());
        assert_eq!(
            Expected::Assistant("a").check(200, r#"{"assistantId":"a","assistantOverrides":{}}"#),
            Ok(())
        );
        assert!(Expected::Assistant("a").check(200, r#"{"error":"nobody"}"#).is_err());
    }
}
