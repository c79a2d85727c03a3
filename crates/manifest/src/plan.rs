//! The changes that a file would make, found without touching anything.

mod changed;
mod entries;
mod owners;
mod pairs;

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use tenant::{Entry, Organization, Section};
use uuid::Uuid;

use self::entries::{Planned, credential_problems};
use self::pairs::{pair, pair_organizations};
use crate::error::{Problem, lines};

/// The changes after which the store says what the file says.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// In the order of the file; removed organizations last.
    pub changes: Vec<Change>,
    /// Stored entries of declared organizations that are not in the file, and stay because nothing is pruned.
    pub kept: Vec<Kept>,
}

impl Plan {
    /// Whether no change is left. Kept entries do not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// One change. Printed, it never shows a secret.
#[derive(Debug, Clone)]
pub struct Change {
    /// The organization's slug, as in the file; of one that is removed, as stored.
    pub organization: String,
    /// The organization's id in the store, or the one that it is to have.
    pub organization_id: Uuid,
    /// The action, and its entry.
    pub edit: Edit,
}

/// A change's action.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Adds an entry.
    Create(Entry),
    /// Makes of the stored entry the wanted one.
    Update {
        /// As it is stored.
        stored: Box<Entry>,
        /// As it is declared.
        wanted: Box<Entry>,
    },
    /// Takes an entry away.
    Remove(Entry),
}

/// One thing that is stored, is not in the file, and stays.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The organization's slug, as in the file.
    pub organization: String,
    /// The organization's id in the store.
    pub organization_id: Uuid,
    /// The thing itself.
    pub entry: Entry,
}

/// The name of what a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Adds it.
    Create,
    /// Changes it in place.
    Update,
    /// Takes it away.
    Remove,
}

impl Change {
    /// The action, without its entry.
    #[must_use]
    pub const fn action(&self) -> Action {
        match &self.edit {
            Edit::Create(_) => Action::Create,
            Edit::Update { .. } => Action::Update,
            Edit::Remove(_) => Action::Remove,
        }
    }

    /// Its entry, as it is declared, or stored where it goes.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        match &self.edit {
            Edit::Create(entry) | Edit::Remove(entry) => entry,
            Edit::Update { wanted, .. } => wanted,
        }
    }

    /// For people: what it is, or what is different about it. May be empty.
    #[must_use]
    pub fn detail(&self) -> String {
        match &self.edit {
            Edit::Create(entry) => entries::describe(entry),
            Edit::Update { stored, wanted } => entries::differences(stored, wanted).join(", "),
            Edit::Remove(Entry::Organization(gone)) => {
                format!("{}, with everything that is stored for it", gone.profile.name)
            }
            Edit::Remove(entry) => entries::describe(entry),
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut change = serializer.serialize_struct("Change", 6)?;
        change.serialize_field("organization", &self.organization)?;
        change.serialize_field("organization_id", &self.organization_id)?;
        change.serialize_field("action", &self.action())?;
        change.serialize_field("section", &self.entry().section())?;
        change.serialize_field("subject", &self.entry().subject())?;
        change.serialize_field("detail", &self.detail())?;
        change.end()
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut kept = serializer.serialize_struct("Kept", 4)?;
        kept.serialize_field("organization", &self.organization)?;
        kept.serialize_field("organization_id", &self.organization_id)?;
        kept.serialize_field("section", &self.entry.section())?;
        kept.serialize_field("subject", &self.entry.subject())?;
        kept.end()
    }
}

/// Why a file cannot be applied to what is stored; every reason is listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct PlanError {
    /// Never empty.
    pub problems: Vec<Problem>,
}

/// Compares what is stored with what a file declares.
///
/// `stored` are the organizations that the file declares and those that have an identifier of it, with their secrets opened; to
/// prune, all of the store. A stored credential without a secret is one
/// that could not be opened. Organizations are the same when their ids are, or their slugs where the file gives no id.
/// Stored entries that are not declared stay, unless `prune` removes them; declared ones are made as declared.
///
/// # Errors
/// [`PlanError`] when a credential has no secret, neither declared nor stored, when a kept secret does not fit a changed
/// recipe, when a slug is another organization's, and when an identifier would get a second owner.
pub fn plan(stored: &[Organization], wanted: &[Organization], prune: bool) -> Result<Plan, PlanError> {
    let mut problems = Vec::new();
    let pairs = pair_organizations(stored, wanted, &mut problems);
    let mut plan = Plan::default();
    for (wanted, stored) in wanted.iter().zip(&pairs) {
        problems.extend(credential_problems(*stored, wanted));
        let mut differ = Differ {
            organization: &wanted.slug,
            id: stored.map_or(wanted.id, |stored| stored.id),
            prune,
            plan: &mut plan,
        };
        differ.organization(*stored, wanted);
    }
    if prune {
        let is_left_out = |stored: &Organization| !pairs.iter().flatten().any(|pair| pair.id == stored.id);
        plan.changes.extend(stored.iter().filter(|stored| is_left_out(stored)).map(removed));
    }
    problems.extend(owners::problems(stored, wanted, &pairs, prune));
    if problems.is_empty() { Ok(plan) } else { Err(PlanError { problems }) }
}

fn removed(stored: &Organization) -> Change {
    Change {
        organization: stored.slug.clone(),
        organization_id: stored.id,
        edit: Edit::Remove(stored.entry()),
    }
}

/// Collects the changes of one organization.
struct Differ<'a> {
    organization: &'a str,
    id: Uuid,
    prune: bool,
    plan: &'a mut Plan,
}

impl Differ<'_> {
    fn organization(&mut self, stored: Option<&Organization>, wanted: &Organization) {
        self.edit(stored, wanted);
        macro_rules! section {
            ($list:ident) => {
                self.section(stored.map_or(&[][..], |stored| &stored.$list), &wanted.$list)
            };
        }
        section!(assistants);
        section!(squads);
        section!(phone_numbers);
        section!(credentials);
        section!(services);
        section!(resources);
        let week = |organization: &Organization| organization.opening_hours.clone();
        self.section(stored.and_then(week).as_slice(), week(wanted).as_slice());
        section!(closures);
        section!(transfers);
        section!(knowledge);
    }

    fn section<T: Planned>(&mut self, stored: &[T], wanted: &[T]) {
        let pairs = pair(stored, wanted);
        for (wanted, index) in wanted.iter().zip(&pairs) {
            self.edit(index.and_then(|index| stored.get(index)), wanted);
        }
        for (index, entry) in stored.iter().enumerate() {
            // A second row may say what another, declared one says too.
            if pairs.contains(&Some(index)) || entry.is_covered_by(wanted) {
                continue;
            }
            if self.prune {
                self.change(Edit::Remove(entry.entry()));
            } else {
                self.plan.kept.push(Kept {
                    organization: self.organization.to_owned(),
                    organization_id: self.id,
                    entry: entry.entry(),
                });
            }
        }
    }

    fn edit<T: Planned>(&mut self, stored: Option<&T>, wanted: &T) {
        match stored {
            None => self.change(Edit::Create(wanted.entry())),
            Some(stored) if !wanted.differences(stored).is_empty() => {
                self.change(Edit::Update {
                    stored: Box::new(stored.entry()),
                    wanted: Box::new(wanted.entry()),
                });
            }
            Some(_) => {}
        }
    }

    fn change(&mut self, edit: Edit) {
        self.plan.changes.push(Change {
            organization: self.organization.to_owned(),
            organization_id: self.id,
            edit,
        });
    }
}

/// `+ northgate-dental assistant 359680cb (Sarah, inbound)`: one line a change, then what is kept, then the counts.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        for kept in &self.kept {
            writeln!(f, "{kept}")?;
        }
        let count = |action| self.changes.iter().filter(|change| change.action() == action).count();
        if self.is_empty() {
            f.write_str("Nothing to change")?;
        } else {
            let (create, update) = (count(Action::Create), count(Action::Update));
            write!(f, "{create} to add, {update} to change, {} to remove", count(Action::Remove))?;
        }
        match self.kept.len() {
            0 => f.write_str("."),
            kept => write!(f, "; {kept} kept that the file does not declare (--prune removes them)."),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action() {
            Action::Create => '+',
            Action::Update => '~',
            Action::Remove => '-',
        };
        line(f, sign, &self.organization, self.entry())?;
        let detail = self.detail();
        if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, '=', &self.organization, &self.entry)
    }
}

fn line(f: &mut fmt::Formatter<'_>, sign: char, owner: &str, entry: &Entry) -> fmt::Result {
    let section = entry.section();
    write!(f, "{sign} {owner} {}", section.singular())?;
    // An entry that an organization has once has no key of its own.
    let is_alone = matches!(section, Section::Organization | Section::OpeningHours);
    if is_alone { Ok(()) } else { write!(f, " {}", entry.subject()) }
}
