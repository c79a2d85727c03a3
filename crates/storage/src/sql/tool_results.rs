//! The answers of tools.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::super::dialect::locking;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer, ToolResults};
use crate::schema::tool_results;
use crate::sql_types::DbTime;
use crate::text::{clean, clean_json};

type StoredResult = (Option<Value>, bool, Option<EffectId>, Option<DateTime<Utc>>);

#[async_trait]
impl ToolResults for Scope {
    async fn reserve(
        &mut self,
        call: &NewToolResult<'_>,
        now: DateTime<Utc>,
    ) -> Result<Reservation, StorageError> {
        if keep(self, call, now).await? {
            return Ok(Reservation::Fresh);
        }
        // A key that was reserved and never answered runs again; the lock lets only one scope at a time do that.
        let reserved = tool_results::table
            .filter(tool_results::organization_id.eq(self.org))
            .filter(tool_results::key_hash.eq(call.key.0))
            .select((
                tool_results::answer,
                tool_results::succeeded,
                tool_results::effect_id,
                tool_results::undone_at,
            ));
        let found: Option<StoredResult> = self.tx.find(locking!(reserved)).await?;
        let Some((answer, succeeded, effect, undone_at)) = found else {
            return Err(StorageError::inconsistent("tool_results", "key_hash", &call.key));
        };
        let Some(answer) = answer else { return Ok(Reservation::Fresh) };
        let answer = ToolAnswer::deserialize(answer)
            .map_err(|_cause| StorageError::inconsistent("tool_results", "answer", &call.key))?;
        Ok(Reservation::Done { answer, succeeded, effect, is_undone: undone_at.is_some() })
    }

    async fn first(
        &mut self,
        request: &NewToolResult<'_>,
        now: DateTime<Utc>,
    ) -> Result<(String, String), StorageError> {
        if keep(self, request, now).await? {
            return Ok((clean(request.tool).into_owned(), clean(request.tool_call_id).into_owned()));
        }
        let kept = tool_results::table
            .filter(tool_results::organization_id.eq(self.org))
            .filter(tool_results::key_hash.eq(request.key.0))
            .select((tool_results::tool, tool_results::tool_call_id));
        let found = self.tx.find(kept).await?;
        found.ok_or_else(|| StorageError::inconsistent("tool_results", "key_hash", &request.key))
    }

    async fn store(
        &mut self,
        key: KeyHash,
        answer: &ToolAnswer,
        succeeded: bool,
        effect: Option<EffectId>,
    ) -> Result<(), StorageError> {
        let answer = serde_json::to_value(answer).map_err(StorageError::rejected)?;
        let own = tool_results::table.filter(tool_results::organization_id.eq(self.org));
        let update = diesel::update(own.filter(tool_results::key_hash.eq(key.0))).set((
            tool_results::answer.eq(Some(clean_json(answer))),
            tool_results::succeeded.eq(succeeded),
            tool_results::effect_id.eq(effect),
            tool_results::undone_at.eq(None::<DateTime<Utc>>),
        ));
        match self.tx.execute(update).await? {
            1 => Ok(()),
            _ => Err(StorageError::inconsistent("tool_results", "key_hash", &key)),
        }
    }

    async fn undo(&mut self, effect: EffectId, now: DateTime<Utc>) -> Result<(), StorageError> {
        let made = tool_results::table
            .filter(tool_results::organization_id.eq(self.org))
            .filter(tool_results::effect_id.eq(effect))
            .filter(tool_results::undone_at.is_null());
        self.tx.execute(diesel::update(made).set(tool_results::undone_at.eq(Some(now)))).await.map(|_| ())
    }
}

/// Keeps a tool call under its key, if there is none yet. Waits for a scope elsewhere that holds the same key.
async fn keep(scope: &mut Scope, call: &NewToolResult<'_>, now: DateTime<Utc>) -> Result<bool, StorageError> {
    let new = (
        tool_results::organization_id.eq(scope.org),
        tool_results::key_hash.eq(call.key.0),
        tool_results::vapi_call_id.eq(clean(call.vapi_call_id)),
        tool_results::tool_call_id.eq(clean(call.tool_call_id)),
        tool_results::tool.eq(clean(call.tool)),
        tool_results::created_at.eq(DbTime(now)),
    );
    let insert = diesel::insert_into(tool_results::table).values(new).on_conflict_do_nothing();
    Ok(scope.tx.execute(insert).await? == 1)
}
