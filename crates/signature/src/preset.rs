//! The schemes that have a name.

use std::fmt;
use std::str::FromStr;

use crate::algorithm::{Encoding, UnknownName};
use crate::payload::PayloadFormat;
use crate::recipe::HmacRecipe;
use crate::scheme::Scheme;

/// A scheme that has a name.
///
/// ```
/// use signature::{Preset, Scheme};
///
/// let preset: Preset = "x-vapi-secret".parse()?;
/// assert_eq!(preset.scheme(), Scheme::SecretHeader { header: "x-vapi-secret".to_owned() });
/// # Ok::<(), signature::UnknownName>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preset {
    /// `vapi-hmac`: the provider's defaults for HMAC, `x-signature` and `x-timestamp`.
    VapiHmac,
    /// `x-vapi-signature`: the same with `x-vapi-signature` and `x-vapi-timestamp`.
    XVapiSignature,
    /// `x-vapi-secret`: the secret verbatim in that header.
    XVapiSecret,
    /// `bearer`: the secret as token in `Authorization`.
    Bearer,
    /// `standard-webhooks`: `webhook-id`, `webhook-timestamp`, `webhook-signature`, and a base64 secret.
    StandardWebhooks,
}

impl Preset {
    /// All presets, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::VapiHmac, Self::XVapiSignature, Self::XVapiSecret, Self::Bearer, Self::StandardWebhooks];

    /// Returns the name that configuration uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VapiHmac => "vapi-hmac",
            Self::XVapiSignature => "x-vapi-signature",
            Self::XVapiSecret => "x-vapi-secret",
            Self::Bearer => "bearer",
            Self::StandardWebhooks => "standard-webhooks",
        }
    }

    /// Returns what the name stands for.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::VapiHmac => Scheme::Hmac(HmacRecipe::default()),
            Self::XVapiSignature => Scheme::Hmac(HmacRecipe {
                signature_header: "x-vapi-signature".to_owned(),
                timestamp_header: Some("x-vapi-timestamp".to_owned()),
                ..HmacRecipe::default()
            }),
            Self::XVapiSecret => Scheme::SecretHeader { header: "x-vapi-secret".to_owned() },
            Self::Bearer => Scheme::bearer(),
            Self::StandardWebhooks => Scheme::Hmac(HmacRecipe {
                signature_header: "webhook-signature".to_owned(),
                timestamp_header: Some("webhook-timestamp".to_owned()),
                message_id_header: Some("webhook-id".to_owned()),
                prefix: Some("v1,".to_owned()),
                encoding: Encoding::Base64,
                secret_is_base64: true,
                payload_format: PayloadFormat::standard_webhooks(),
                ..HmacRecipe::default()
            }),
        }
    }
}

impl FromStr for Preset {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| UnknownName {
            what: "preset",
            name: name.to_owned(),
            known: "vapi-hmac, x-vapi-signature, x-vapi-secret, bearer, standard-webhooks",
        })
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
