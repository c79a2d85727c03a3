//! How a credential's recipe stands in its column: the words of the organizations file, nothing left out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signature::{HmacRecipe, PayloadFormat, Scheme};

/// The stored form. An unknown word is a newer program's: refused, never guessed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Hmac {
        algorithm: String,
        signature_header: String,
        timestamp_header: Option<String>,
        message_id_header: Option<String>,
        prefix: Option<String>,
        encoding: String,
        secret_is_base64: bool,
        include_timestamp: bool,
        payload_format: String,
    },
    Bearer {
        header: String,
        prefix: Option<String>,
    },
    SecretHeader {
        header: String,
    },
}

/// A column that holds no recipe that this program knows.
#[derive(Debug, thiserror::Error)]
#[error("the stored recipe is not one that this version knows")]
pub(crate) struct UnknownRecipe(#[source] Option<Box<dyn std::error::Error + Send + Sync>>);

/// The terms on which a credential's secret counts, as they are sealed with it: whoever changes one of them in the row alone
/// has a secret that does not open. Instants count to the second: databases keep less of them than the program has.
pub(crate) fn terms(
    scheme: &Scheme,
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
) -> Result<String, UnknownRecipe> {
    let second = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
    // Written from the struct and not from a tree, whose members have another order where a feature is switched on.
    serde_json::to_string(&(stored(scheme)?, second(not_before), second(not_after))).map_err(unknown)
}

/// Writes a recipe.
pub(crate) fn encode(scheme: &Scheme) -> Result<Value, UnknownRecipe> {
    serde_json::to_value(stored(scheme)?).map_err(unknown)
}

fn stored(scheme: &Scheme) -> Result<Stored, UnknownRecipe> {
    Ok(match scheme {
        Scheme::Hmac(recipe) => Stored::Hmac {
            algorithm: recipe.algorithm.to_string(),
            signature_header: recipe.signature_header.clone(),
            timestamp_header: recipe.timestamp_header.clone(),
            message_id_header: recipe.message_id_header.clone(),
            prefix: recipe.prefix.clone(),
            encoding: recipe.encoding.to_string(),
            secret_is_base64: recipe.secret_is_base64,
            include_timestamp: recipe.include_timestamp,
            payload_format: recipe.payload_format.to_string(),
        },
        Scheme::Bearer { header, prefix } => {
            Stored::Bearer { header: header.clone(), prefix: prefix.clone() }
        }
        Scheme::SecretHeader { header } => Stored::SecretHeader { header: header.clone() },
        _ => return Err(UnknownRecipe(None)),
    })
}

/// Reads a recipe.
pub(crate) fn decode(value: &Value) -> Result<Scheme, UnknownRecipe> {
    Ok(match Stored::deserialize(value).map_err(unknown)? {
        Stored::Hmac {
            algorithm,
            signature_header,
            timestamp_header,
            message_id_header,
            prefix,
            encoding,
            secret_is_base64,
            include_timestamp,
            payload_format,
        } => Scheme::Hmac(HmacRecipe {
            algorithm: algorithm.parse().map_err(unknown)?,
            signature_header,
            timestamp_header,
            message_id_header,
            prefix,
            encoding: encoding.parse().map_err(unknown)?,
            secret_is_base64,
            include_timestamp,
            payload_format: PayloadFormat::parse(&payload_format).map_err(unknown)?,
        }),
        Stored::Bearer { header, prefix } => Scheme::Bearer { header, prefix },
        Stored::SecretHeader { header } => Scheme::SecretHeader { header },
    })
}

fn unknown(cause: impl std::error::Error + Send + Sync + 'static) -> UnknownRecipe {
    UnknownRecipe(Some(Box::new(cause)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use signature::{Algorithm, Encoding, Preset};

    use super::*;

    #[test]
    fn every_preset_comes_back() {
        for preset in Preset::ALL {
            let scheme = preset.scheme();
            assert_eq!(decode(&encode(&scheme).unwrap()).unwrap(), scheme, "{preset}");
        }
    }

    #[test]
    fn every_part_of_a_recipe_is_stored() {
        let stored = json!({
            "scheme": "hmac", "algorithm": "sha512", "signature_header": "x-sig", "timestamp_header": "x-time",
            "message_id_header": "x-id", "prefix": "v1,", "encoding": "base64", "secret_is_base64": true,
            "include_timestamp": true, "payload_format": "{svix-id}.{timestamp}.{body}",
        });
        let scheme = decode(&stored).unwrap();
        let Scheme::Hmac(recipe) = &scheme else { panic!("not a signature") };
        assert_eq!((recipe.algorithm, recipe.encoding), (Algorithm::Sha512, Encoding::Base64));
        assert_eq!(recipe.message_id_header.as_deref(), Some("x-id"));
        assert_eq!(encode(&scheme).unwrap(), stored);
    }

    #[test]
    fn terms_are_the_same_text_for_ever() {
        let at = |second| DateTime::from_timestamp(second, 999);
        let header = Scheme::SecretHeader { header: "x-vapi-secret".to_owned() };
        assert_eq!(
            terms(&header, at(1), at(1_800_000_000)).unwrap(),
            r#"[{"scheme":"secret_header","header":"x-vapi-secret"},1,1800000000]"#
        );
        assert_eq!(
            terms(&Preset::XVapiSignature.scheme(), None, None).unwrap(),
            concat!(
                r#"[{"scheme":"hmac","algorithm":"sha256","signature_header":"x-vapi-signature","timestamp_header":"#,
                r#""x-vapi-timestamp","message_id_header":null,"prefix":null,"encoding":"hex","secret_is_base64":false,"#,
                r#""include_timestamp":true,"payload_format":"{timestamp}.{body}"},null,null]"#
            )
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for value in [
            json!(null),
            json!({}),
            json!({"scheme": "none"}),
            json!({"scheme": "secret_header"}),
            json!({"scheme": "secret_header", "header": "x", "algorithm": "md5"}),
        ] {
            assert!(decode(&value).is_err(), "{value}");
        }
    }
}
