//! Messages of the quarantine, claimed by the organization that they turn out to belong to.
//!
//! A message is filed in its organization first, and leaves the quarantine afterwards. A crash in between leaves
//! both, and the next claim finds the message under its key and only removes it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dispatch::{Context, IncomingMessage};
use org_resolver::{LookupStep, OrgHints, OrgId};
use storage::repo::{EventVerdict, StoredMessage};
use storage::{AuditedOrg, OrgScope, QuarantineEntry, StorageError};
use uuid::Uuid;
use vapi_types::{Envelope, MessageKind};

use super::difference;
use super::effects::{self, Stored};
use super::judge::{self, Owner};
use super::report::{ClaimOutcome, ClaimRefusal, ClaimReport};
use super::rerun::finish;
use super::snapshot::Scene;
use super::{Mode, Operator, ReplayError, Replayer};

/// The organizations that were entered, so that the audit log has one line for each.
type Entered = HashMap<OrgId, AuditedOrg>;

impl Replayer {
    /// Claims messages of the quarantine, one report for each, in the order given. Their bodies are held meanwhile, so
    /// that callers pass a few at a time.
    ///
    /// # Errors
    /// [`ReplayError`] when the store or the directory fails. Messages filed before that are filed, and claiming again
    /// finishes it.
    pub async fn claim(
        &self,
        operator: &Operator<'_>,
        ids: &[Uuid],
        mode: Mode,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimReport>, ReplayError> {
        let mut door = self.storage.operator(operator.actor, operator.reason).await?;
        let mut held = Vec::with_capacity(ids.len());
        for id in ids {
            held.push((*id, door.quarantined(*id).await?));
        }
        door.commit().await?;
        let mut entered = Entered::new();
        let mut reports = Vec::with_capacity(held.len());
        for (id, found) in held {
            reports.push(match found {
                Some((entry, body)) => {
                    self.claim_one(operator, &entry, &body, &mut entered, mode, now).await?
                }
                None => ClaimReport { id, ..ClaimReport::default() },
            });
        }
        if mode == Mode::Apply {
            self.empty(operator, &reports).await?;
        }
        Ok(reports)
    }

    /// Removes what was filed from the quarantine.
    async fn empty(&self, operator: &Operator<'_>, reports: &[ClaimReport]) -> Result<(), StorageError> {
        let claimed: Vec<(Uuid, OrgId)> = reports
            .iter()
            .filter_map(|report| match &report.outcome {
                ClaimOutcome::Claimed { organization, .. } => Some((report.id, organization.id)),
                _ => None,
            })
            .collect();
        if claimed.is_empty() {
            return Ok(());
        }
        let mut door = self.storage.operator(operator.actor, operator.reason).await?;
        for (id, org) in claimed {
            // Another claim may have taken it at the same time: then it is gone, and was filed once all the same.
            door.remove_quarantined(id, Some(org)).await?;
        }
        door.commit().await
    }

    async fn claim_one(
        &self,
        operator: &Operator<'_>,
        entry: &QuarantineEntry,
        body: &[u8],
        entered: &mut Entered,
        mode: Mode,
        now: DateTime<Utc>,
    ) -> Result<ClaimReport, ReplayError> {
        let report = ClaimReport {
            id: entry.id,
            kind: entry.kind.clone(),
            call_id: entry.vapi_call_id.clone(),
            received_at: Some(entry.received_at),
            ..ClaimReport::default()
        };
        let Ok(envelope) = Envelope::parse(body) else {
            return Ok(report.kept(ClaimRefusal::Unreadable));
        };
        if *envelope.kind() == MessageKind::VoiceRequest {
            return Ok(report.kept(ClaimRefusal::NotServed));
        }
        let owner = match self.claimant(&envelope, entry.received_at, now).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(report.kept(refusal)),
        };
        let org = match entered.remove(&owner.org) {
            Some(org) => Some(org),
            None => self.storage.enter(owner.org, operator.actor, operator.reason).await?,
        };
        let Some(org) = org else {
            // It was removed since the directory was asked.
            let detail = "Its organization has just been removed".to_owned();
            return Ok(report.kept(ClaimRefusal::Unresolved(detail)));
        };
        let report = self.file(&org, &owner, entry, &envelope, mode, report).await?;
        entered.insert(org.id(), org);
        Ok(report)
    }

    /// Files a message in its organization, in one transaction.
    async fn file(
        &self,
        org: &AuditedOrg,
        owner: &Owner,
        entry: &QuarantineEntry,
        envelope: &Envelope<'_>,
        mode: Mode,
        report: ClaimReport,
    ) -> Result<ClaimReport, StorageError> {
        let context =
            Context { request_id: &entry.request_id, now: entry.received_at, tool: None, is_direct: false };
        let key = entry.dedupe_key.clone();
        let incoming = IncomingMessage::new(envelope, &owner.trace, &context).with_key(key.clone());
        loop {
            let mut scope = self.storage.entered_scope(org).await?;
            if let Some(refusal) = refusal(&mut scope, envelope, &incoming, &key).await? {
                scope.rollback().await?;
                return Ok(report.kept(refusal));
            }
            let scene = Scene {
                calls: incoming.call_id().map(str::to_owned).into_iter().collect(),
                phones: effects::phone_of(&mut scope, envelope).await?.into_iter().collect(),
                key: Some(key.clone()),
                is_whole: *envelope.kind() == MessageKind::CallDeleted,
                ..Scene::default()
            };
            let before = scene.look(&mut scope).await?;
            let is_repeated = match effects::store(&mut scope, &incoming, owner.via).await? {
                Stored::New => false,
                Stored::Known(known) => {
                    take_known(&mut scope, &known, &incoming).await?;
                    true
                }
                Stored::Raced => {
                    scope.rollback().await?;
                    continue;
                }
            };
            let tools = self.tools_of(&mut scope, &incoming).await?;
            let after = scene.look(&mut scope).await?;
            let changes = difference::between(&before, &after);
            finish(scope, mode).await?;
            let outcome = ClaimOutcome::Claimed { organization: org.entry().clone(), is_repeated };
            return Ok(ClaimReport { outcome, tools, changes, ..report });
        }
    }
}

/// The objection to filing the message, as the organization's own transaction sees it: a credential that is added
/// while a claim runs counts.
async fn refusal(
    scope: &mut OrgScope,
    envelope: &Envelope<'_>,
    incoming: &IncomingMessage<'_>,
    key: &str,
) -> Result<Option<ClaimRefusal>, StorageError> {
    let standing = scope.inbox().standing().await?;
    if standing.has_own_credentials {
        return Ok(Some(ClaimRefusal::OwnCredentials));
    }
    if judge::contradicts(&standing, &OrgHints::from_envelope(envelope)) {
        return Ok(Some(ClaimRefusal::Conflict));
    }
    if !standing.is_active {
        return Ok(Some(ClaimRefusal::OrganizationInactive));
    }
    // An erased call must not come back by another door. A message that was filed before may go, as it has come.
    if let Some(call_id) = incoming.call_id()
        && scope.calls().get(call_id).await?.is_some_and(|call| call.is_erased())
        && scope.inbox().find_by_key(key).await?.is_none()
    {
        return Ok(Some(ClaimRefusal::Erased));
    }
    Ok(None)
}

/// A message that the organization has already: it is not stored again. One that was refused or not understood then is
/// acted upon now, and a fuller report is merged as a second delivery's would be.
async fn take_known(
    scope: &mut OrgScope,
    known: &StoredMessage,
    incoming: &IncomingMessage<'_>,
) -> Result<(), StorageError> {
    if incoming.drifted().is_some() || known.is_erased() {
        return Ok(());
    }
    let is_fuller = *incoming.envelope().kind() == MessageKind::EndOfCallReport
        && i32::try_from(incoming.body().len()).is_ok_and(|bytes| bytes > known.body_bytes);
    if is_fuller {
        scope.events().replace_body(known.id, incoming.body()).await?;
    }
    let was_refused = known.verdict != EventVerdict::Accepted;
    if was_refused {
        scope.inbox().set_verdict(known.id, EventVerdict::Accepted).await?;
    }
    if is_fuller || was_refused {
        effects::act(scope, incoming, LookupStep::CallId).await?;
    }
    Ok(())
}
