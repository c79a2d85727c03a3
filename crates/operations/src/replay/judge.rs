//! Whose a stored message is, by the directory as it is now.

use chrono::{DateTime, Utc};
use org_resolver::{LookupError, LookupStep, OrgHints, OrgId, Resolution, Trace, Unresolved};
use storage::repo::OrgState;
use vapi_types::Envelope;

use super::Replayer;
use super::report::{ClaimRefusal, ReplayRefusal};

/// The one organization that a message's identifiers point at.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) org: OrgId,
    pub(super) via: LookupStep,
    pub(super) trace: Trace,
}

/// The chain's answer to a message.
#[derive(Debug)]
enum Finding {
    Owner(Box<Owner>),
    Nobody { is_inactive: bool, was_owned: bool, detail: String },
    Conflict,
}

impl Replayer {
    /// The organization that may claim a message, as far as the directory knows.
    ///
    /// The message's own time comes first: whoever owned its identifiers then has it. Only what nobody owned then goes
    /// to whoever owns them now, for whom the mapping was added; never the past of an organization that has been removed.
    pub(super) async fn claimant(
        &self,
        envelope: &Envelope<'_>,
        received_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Result<Box<Owner>, ClaimRefusal>, LookupError> {
        let hints = OrgHints::from_envelope(envelope);
        let found = match self.find(&hints, received_at).await? {
            Finding::Nobody { was_owned: false, .. } => self.find(&at(&hints, now), now).await?,
            found => found,
        };
        Ok(match found {
            Finding::Conflict => Err(ClaimRefusal::Conflict),
            Finding::Nobody { is_inactive: true, .. } => Err(ClaimRefusal::MappingInactive),
            Finding::Nobody { detail, .. } => Err(ClaimRefusal::Unresolved(detail)),
            Finding::Owner(owner)
                if owner.via == LookupStep::Metadata && !self.policy.metadata_with_shared_secret =>
            {
                Err(ClaimRefusal::MetadataOnly)
            }
            Finding::Owner(owner) => Ok(owner),
        })
    }

    /// Why a message that the organization's own inbox refused once is refused still; `None` when it is not.
    ///
    /// Its own time or now, whichever is clean: the organization's credential has proven the message, so a mapping that
    /// was put right afterwards is all that it takes.
    pub(super) async fn still_refused(
        &self,
        org: OrgId,
        standing: &OrgState,
        envelope: &Envelope<'_>,
        received_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<ReplayRefusal>, LookupError> {
        if !standing.is_active {
            return Ok(Some(ReplayRefusal::OrganizationInactive));
        }
        let hints = OrgHints::from_envelope(envelope);
        if contradicts(standing, &hints) {
            return Ok(Some(ReplayRefusal::Conflict));
        }
        let mut refusal = ReplayRefusal::NotOurs;
        for (hints, instant) in [(&hints, received_at), (&at(&hints, now), now)] {
            match self.find(hints, instant).await? {
                Finding::Owner(owner) if owner.org == org => return Ok(None),
                Finding::Conflict => refusal = ReplayRefusal::Conflict,
                _ => {}
            }
        }
        Ok(Some(refusal))
    }

    async fn find(&self, hints: &OrgHints, now: DateTime<Utc>) -> Result<Finding, LookupError> {
        Ok(match self.chain.resolve(hints, now).await? {
            Resolution::Unresolved(unresolved) => {
                let detail = unresolved.detail();
                let Unresolved { is_inactive, was_owned, .. } = unresolved;
                Finding::Nobody { is_inactive, was_owned, detail }
            }
            Resolution::Claimed(claimed) if !claimed.trace().conflicts.is_empty() => Finding::Conflict,
            Resolution::Claimed(claimed) => Finding::Owner(Box::new(Owner {
                org: claimed.id(),
                via: claimed.via(),
                trace: claimed.trace().clone().seen_by(claimed.id()),
            })),
        })
    }
}

/// Whether the message belongs to another account of the provider's than the organization registered.
pub(super) fn contradicts(standing: &OrgState, hints: &OrgHints) -> bool {
    let Some(registered) = &standing.vapi_org_id else { return false };
    hints.accounts().iter().any(|(account, _)| account != registered)
}

fn at(hints: &OrgHints, now: DateTime<Utc>) -> OrgHints {
    let mut hints = hints.clone();
    hints.set_created_at(now);
    hints
}
