//! Which stored thing each declared one is.

use std::collections::{HashMap, HashSet};

use tenant::Organization;
use uuid::Uuid;

use super::entries::Planned;
use crate::error::Problem;
use crate::organization_id;

/// The stored organization of each declared one.
pub(super) fn pair_organizations<'a>(
    stored: &'a [Organization],
    wanted: &[Organization],
    problems: &mut Vec<Problem>,
) -> Vec<Option<&'a Organization>> {
    let by_id: HashMap<Uuid, &Organization> = stored.iter().map(|stored| (stored.id, stored)).collect();
    let by_slug: HashMap<&str, &Organization> =
        stored.iter().map(|stored| (stored.slug.as_str(), stored)).collect();
    let declared: HashMap<Uuid, &str> =
        wanted.iter().map(|wanted| (wanted.id, wanted.slug.as_str())).collect();
    let mut pairs = Vec::new();
    for wanted in wanted {
        let same_id = by_id.get(&wanted.id).copied();
        let same_slug = by_slug.get(wanted.slug.as_str()).copied();
        pairs.push(match (same_id, same_slug) {
            (own, None) => own,
            (Some(own), Some(other)) if own.id == other.id => Some(own),
            // The slug's present owner takes another one in this very file.
            (own, Some(other)) if declared.get(&other.id).is_some_and(|slug| *slug != wanted.slug) => own,
            // The file left the id out, and the organization was made in another way.
            (None, Some(stored)) if wanted.id == organization_id(&wanted.slug) => Some(stored),
            (own, Some(other)) => {
                problems.push(Problem {
                    organization: wanted.slug.clone(),
                    field: "slug".to_owned(),
                    reason: format!("{:?} already belongs to organization {}", wanted.slug, other.id),
                });
                own
            }
        });
    }
    pairs
}

/// For each wanted entry the index of the stored one that it is: first by their strongest keys, then by the next.
pub(super) fn pair<T: Planned>(stored: &[T], wanted: &[T]) -> Vec<Option<usize>> {
    let stored_keys: Vec<_> = stored.iter().map(Planned::keys).collect();
    let wanted_keys: Vec<_> = wanted.iter().map(Planned::keys).collect();
    let mut pairs = vec![None; wanted.len()];
    let most = wanted_keys.iter().map(Vec::len).max().unwrap_or(0);
    for strength in 0..most {
        let taken: HashSet<usize> = pairs.iter().flatten().copied().collect();
        let mut free: HashMap<&str, usize> = HashMap::new();
        // From the back, so that of several with one key the first stands.
        for (index, keys) in stored_keys.iter().enumerate().rev().filter(|(index, _)| !taken.contains(index))
        {
            if let Some(Some(key)) = keys.get(strength) {
                free.insert(key, index);
            }
        }
        for (pair, keys) in pairs.iter_mut().zip(&wanted_keys).filter(|(pair, _)| pair.is_none()) {
            *pair = keys.get(strength).and_then(|key| free.remove(key.as_deref()?));
        }
    }
    pairs
}
