//! Which assistant takes a call when the store is too slow to be asked.

use std::sync::Arc;

use moka::sync::Cache;
use org_resolver::OrgId;
use tenant::PhoneNumber;
use vapi_types::{Head, IdentifierKind};

/// Fallback assistants as last read, for the moment when the store is too slow to be asked.
pub(crate) struct FallbackAssistants(Cache<(OrgId, Box<str>), Arc<str>>);

impl Default for FallbackAssistants {
    fn default() -> Self {
        Self(Cache::new(100_000))
    }
}

impl FallbackAssistants {
    pub(crate) fn remember(&self, org: OrgId, numbers: &[PhoneNumber]) {
        for number in numbers {
            let Some(id) = &number.id else { continue };
            match &number.fallback_assistant {
                Some(assistant) => self.0.insert((org, id.as_str().into()), assistant.as_str().into()),
                None => self.0.invalidate(&(org, id.as_str().into())),
            }
        }
    }

    pub(crate) fn find(&self, org: OrgId, head: &Head<'_>) -> Option<Arc<str>> {
        head.of_kind(IdentifierKind::PhoneNumberId).find_map(|id| self.0.get(&(org, id.as_ref().into())))
    }
}
