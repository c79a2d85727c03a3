//! Changes to the directory and to declarations, so that caches forget in time what is no longer so.

use async_trait::async_trait;
use org_resolver::{IdentifierKind, LookupKey, OrgId};

/// Hears of changes to the directory and to declarations.
#[async_trait]
pub trait ChangeSink: Send + Sync {
    /// An identifier has, or had, another owner or state.
    async fn identifier(&self, key: LookupKey);

    /// An organization's state or keys changed.
    async fn organization(&self, org: OrgId);

    /// An organization's declarations changed. The store has forgotten what it remembered of them.
    async fn tenant(&self, _org: OrgId) {}

    /// Anything may have changed: changes may have been missed, or the database does not say which.
    async fn everything(&self);

    /// From now on changes may go unheard, until [`everything`](Self::everything) says that they are heard again.
    async fn unheard(&self) {}
}

/// A notice of the triggers, as the migrations write it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Identifier(LookupKey),
    Organization(OrgId),
    Tenant(OrgId),
    /// A notice of a newer version.
    Unknown,
}

impl Notice {
    pub(crate) fn parse(payload: &str) -> Self {
        let parsed = match payload.split_once(' ') {
            Some(("identifier", rest)) => rest.split_once(' ').and_then(|(kind, value)| {
                let kind = IdentifierKind::parse(kind)?;
                // The value is normalised already, by the trigger that wrote it.
                (!value.is_empty()).then(|| Self::Identifier(LookupKey { kind, value: value.into() }))
            }),
            Some(("organization", id)) => id.parse().ok().map(Self::Organization),
            Some(("tenant", id)) => id.parse().ok().map(Self::Tenant),
            _ => None,
        };
        parsed.unwrap_or(Self::Unknown)
    }

    pub(crate) async fn tell(self, sink: &dyn ChangeSink) {
        match self {
            Self::Identifier(key) => sink.identifier(key).await,
            Self::Organization(org) => sink.organization(org).await,
            Self::Tenant(org) => sink.tenant(org).await,
            Self::Unknown => sink.everything().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_read() {
        assert_eq!(
            Notice::parse("identifier phone_number sip:front desk@x"),
            Notice::Identifier(LookupKey {
                kind: IdentifierKind::PhoneNumber,
                value: "sip:front desk@x".into()
            })
        );
        let org = "46cf2995-2bee-44e3-838b-24151486fe4e";
        assert_eq!(Notice::parse(&format!("organization {org}")), Notice::Organization(org.parse().unwrap()));
        assert_eq!(Notice::parse(&format!("tenant {org}")), Notice::Tenant(org.parse().unwrap()));
        for text in [
            "",
            "identifier",
            "identifier x y",
            "identifier assistant_id ",
            "organization x",
            "tenant",
            "novelty 1",
        ] {
            assert_eq!(Notice::parse(text), Notice::Unknown, "{text}");
        }
    }
}
