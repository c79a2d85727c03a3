//! The schemes that have a name.

use crate::algorithm::Encoding;
use crate::names::named;
use crate::payload::PayloadFormat;
use crate::recipe::HmacRecipe;
use crate::scheme::Scheme;

named! {
    /// A scheme that has a name.
    ///
    /// ```
    /// use signature::{Preset, Scheme};
    ///
    /// let preset: Preset = "x-vapi-secret".parse()?;
    /// assert_eq!(preset.scheme(), Scheme::SecretHeader { header: "x-vapi-secret".to_owned() });
    /// # Ok::<(), signature::UnknownName>(())
    /// ```
    Preset, "preset" {
        /// The provider's defaults for HMAC: `x-signature` and `x-timestamp`.
        VapiHmac = "vapi-hmac",
        /// The same with `x-vapi-signature` and `x-vapi-timestamp`.
        XVapiSignature = "x-vapi-signature",
        /// The secret verbatim in that header.
        XVapiSecret = "x-vapi-secret",
        /// The secret as token in `Authorization`.
        Bearer = "bearer",
        /// `webhook-id`, `webhook-timestamp`, `webhook-signature`, and a base64 secret.
        StandardWebhooks = "standard-webhooks",
    }
}

impl Preset {
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
