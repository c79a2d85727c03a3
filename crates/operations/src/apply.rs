//! The database as a file of organizations has it.

use manifest::{Action, Change, Edit, Plan};
use org_resolver::OrgId;
use storage::{OperatorScope, Owner, StorageError};

/// Carries out exactly the changes of a plan: removals first, so that what one organization gives up another may take.
/// Rows that stay keep their ids. No change is kept before the scope is committed.
///
/// # Errors
/// [`StorageError::Conflict`] with the database's sentence when a constraint stands against a change, such as an
/// identifier that another organization has; [`StorageError`] else. The scope cannot be committed afterwards.
pub async fn apply(scope: &mut OperatorScope, plan: &Plan) -> Result<(), StorageError> {
    let mut changed: Vec<OrgId> =
        plan.changes.iter().map(|change| OrgId::new(change.organization_id)).collect();
    changed.sort_unstable();
    changed.dedup();
    scope.prepare(&changed).await?;
    // A new organization comes before its parts, and its own fields before its numbers: sorting keeps the plan's order.
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    changes.sort_by_key(|change| match change.action() {
        Action::Remove => 0,
        Action::Update => 1,
        Action::Create => 2,
    });
    for change in changes {
        let owner = Owner { id: OrgId::new(change.organization_id), slug: &change.organization };
        let note = change.detail();
        match &change.edit {
            Edit::Create(entry) => scope.insert(&owner, entry, &note).await?,
            Edit::Update { stored, wanted } => scope.update(&owner, stored, wanted, &note).await?,
            Edit::Remove(entry) => scope.delete(&owner, entry, &note).await?,
        }
    }
    Ok(())
}
