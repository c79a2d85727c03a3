//! The tools by name.

use storage::repo::KeyHash;
use vapi_types::{ToolArguments, ToolCall};

use super::availability::CheckAvailability;
use super::book::BookAppointment;
use super::definition::{Tool, ToolDefinition};
use super::keys::RunKeys;

/// Every tool that messages can call.
pub struct ToolRegistry {
    tools: Vec<ToolDefinition>,
}

impl ToolRegistry {
    /// The tools that every organization has.
    pub fn built_in() -> Self {
        Self { tools: vec![BookAppointment::definition(), CheckAvailability::definition()] }
    }

    /// The definitions, for provisioning and docs.
    pub fn definitions(&self) -> impl Iterator<Item = &ToolDefinition> {
        self.tools.iter()
    }

    /// The key under which the answer to a call of a phone call is stored; `None` for unknown tools and for arguments
    /// that cannot be read.
    pub fn call_key(&self, vapi_call_id: &str, call: &ToolCall) -> Option<KeyHash> {
        let ToolArguments::Object(arguments) = &call.arguments else { return None };
        let name = self.find(&call.name)?.name;
        RunKeys::of_call(vapi_call_id, call, name, arguments).call
    }

    /// A tool by its name or an alias, without regard to case.
    pub(crate) fn find(&self, name: &str) -> Option<&ToolDefinition> {
        self.tools.iter().find(|tool| {
            std::iter::once(&tool.name).chain(tool.aliases).any(|own| own.eq_ignore_ascii_case(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_unique_and_fit_the_provider() {
        let registry = ToolRegistry::built_in();
        let mut names: Vec<String> = registry
            .definitions()
            .flat_map(|tool| std::iter::once(&tool.name).chain(tool.aliases).map(|name| name.to_lowercase()))
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for tool in registry.definitions() {
            // The provider takes ^[A-Za-z0-9_-]{1,64}$ as a function's name, and 1000 characters of description.
            assert!(
                tool.name.len() <= 64
                    && tool.name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            );
            assert!((1..1000).contains(&tool.description().len()));
            assert_eq!(tool.schema()["type"], "object");
        }
    }
}
