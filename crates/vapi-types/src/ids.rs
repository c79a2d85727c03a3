//! The provider's ids: opaque text, compared byte by byte and never interpreted.

/// Declares id types that cannot be mixed up.
macro_rules! opaque_ids {
    ($($(#[$meta:meta])* $name:ident,)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes the id as it was sent.
            #[must_use]
            pub fn new(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// The id as it was sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<T: Into<Box<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl crate::payload::Json for $name {
            fn from_json(raw: &str) -> Option<Self> {
                crate::payload::text(raw).map(Self::new)
            }

            fn is_as_sent(&self, raw: &str) -> bool {
                raw.starts_with('"')
            }
        }
    )+};
}

opaque_ids! {
    /// An assistant saved at the provider.
    AssistantId,
    /// A call. UUIDs so far, of changing versions.
    CallId,
    /// A campaign of outbound calls.
    CampaignId,
    /// A text chat.
    ChatId,
    /// The Vapi account, which the provider calls organization. Never one of our organizations.
    AccountId,
    /// A phone number imported at or bought from the provider; not the number itself.
    PhoneNumberId,
    /// A session that links chats.
    SessionId,
    /// A squad of assistants.
    SquadId,
    /// One function call of the model. May be empty: the legacy `function-call` message has none.
    ToolCallId,
}

impl ToolCallId {
    /// The id that every function call fired by an assistant hook carries.
    pub const HOOK: &str = "hook-function-call";

    /// Whether the id tells this call apart from others of the same phone call.
    ///
    /// False for an empty id and for [`ToolCallId::HOOK`]: there, only name and arguments can.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        !self.0.is_empty() && &*self.0 != Self::HOOK
    }
}
