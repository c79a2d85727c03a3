//! Identifiers that would get a second owner.

use std::collections::HashMap;

use tenant::{IdentifierKind, Organization};

use super::pairs::pair;
use crate::error::Problem;

/// An identifier with the section that declares it.
type Identifier<'a> = (IdentifierKind, &'a str);

/// Every declared identifier that another organization has and does not give up in the same plan.
pub(super) fn problems(
    stored: &[Organization],
    wanted: &[Organization],
    pairs: &[Option<&Organization>],
    prune: bool,
) -> Vec<Problem> {
    let mut held: HashMap<Identifier<'_>, &Organization> = HashMap::new();
    // Pruning leaves nothing to anybody but what the file declares, and the file has one owner for each.
    if !prune {
        for owner in stored {
            let declared =
                wanted.iter().zip(pairs).find(|(_, pair)| pair.is_some_and(|pair| pair.id == owner.id));
            for identifier in left_with(owner, declared.map(|(wanted, _)| wanted)) {
                held.insert(identifier, owner);
            }
        }
    }
    let mut problems = Vec::new();
    for (wanted, pair) in wanted.iter().zip(pairs) {
        for identifier in wanted.identifiers() {
            let other = held.get(&identifier).filter(|owner| pair.is_none_or(|own| own.id != owner.id));
            if let Some(owner) = other {
                let (kind, value) = identifier;
                problems.push(Problem {
                    organization: wanted.slug.clone(),
                    field: field(kind).to_owned(),
                    reason: format!("{value:?} already belongs to organization {}", owner.slug),
                });
            }
        }
    }
    problems
}

/// The identifiers that an organization holds when nothing is pruned: those that it has, but for changed numbers.
fn left_with<'a>(stored: &'a Organization, wanted: Option<&'a Organization>) -> Vec<Identifier<'a>> {
    let Some(wanted) = wanted else { return stored.identifiers().collect() };
    let replaced = pair(&stored.phone_numbers, &wanted.phone_numbers);
    let numbers = stored.phone_numbers.iter().enumerate();
    let untouched = numbers.filter(|(index, _)| !replaced.contains(&Some(*index)));
    let is_of_a_number = |kind| matches!(kind, IdentifierKind::PhoneNumber | IdentifierKind::PhoneNumberId);
    let others = stored.identifiers().filter(|(kind, _)| !is_of_a_number(*kind));
    untouched.flat_map(|(_, number)| number.identifiers()).chain(others).collect()
}

const fn field(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Organization => "id",
        IdentifierKind::AssistantId => "assistants",
        IdentifierKind::SquadId => "squads",
        IdentifierKind::PhoneNumberId | IdentifierKind::PhoneNumber => "phone_numbers",
    }
}
