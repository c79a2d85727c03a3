//! Identifiers that would get a second owner.

use std::collections::HashMap;

use tenant::{IdentifierKind, Organization, PhoneNumber};

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
        for identifier in identifiers(wanted) {
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
    let Some(wanted) = wanted else { return identifiers(stored) };
    let replaced = pair(&stored.phone_numbers, &wanted.phone_numbers);
    let numbers = stored.phone_numbers.iter().enumerate();
    let untouched = numbers.filter(|(index, _)| !replaced.contains(&Some(*index)));
    let mut left: Vec<_> = untouched.flat_map(|(_, number)| identifiers_of(number)).collect();
    left.extend(apart_from_numbers(stored));
    left
}

fn identifiers(organization: &Organization) -> Vec<Identifier<'_>> {
    let numbers = organization.phone_numbers.iter().flat_map(identifiers_of);
    numbers.chain(apart_from_numbers(organization)).collect()
}

fn apart_from_numbers(organization: &Organization) -> impl Iterator<Item = Identifier<'_>> {
    let assistants =
        organization.assistants.iter().map(|assistant| (IdentifierKind::AssistantId, assistant.id.as_str()));
    assistants.chain(organization.squads.iter().map(|squad| (IdentifierKind::SquadId, squad.as_str())))
}

fn identifiers_of(number: &PhoneNumber) -> impl Iterator<Item = Identifier<'_>> {
    let lines = number.number.iter().chain(&number.sip_uri);
    let id = number.id.iter().map(|id| (IdentifierKind::PhoneNumberId, id.as_str()));
    id.chain(lines.map(|line| (IdentifierKind::PhoneNumber, line.as_str())))
}

const fn field(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Organization => "id",
        IdentifierKind::AssistantId => "assistants",
        IdentifierKind::SquadId => "squads",
        IdentifierKind::PhoneNumberId | IdentifierKind::PhoneNumber => "phone_numbers",
    }
}
