//! What tools answered.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;

use super::dialect::locking;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer, ToolResults};
use crate::schema::tool_results;
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean, clean_json};

type StoredResult = (Option<DbJson>, bool, Option<DbUuid>, Option<DbTime>);

#[async_trait]
impl ToolResults for Scope {
    async fn reserve(
        &mut self,
        call: &NewToolResult<'_>,
        now: DateTime<Utc>,
    ) -> Result<Reservation, StorageError> {
        // The insert waits for a scope elsewhere that holds the same key.
        let reserved = diesel::insert_into(tool_results::table)
            .values((
                tool_results::organization_id.eq(self.org),
                tool_results::key_hash.eq(call.key.0.as_slice()),
                tool_results::vapi_call_id.eq(clean(call.vapi_call_id)),
                tool_results::tool_call_id.eq(clean(call.tool_call_id)),
                tool_results::tool.eq(clean(call.tool)),
                tool_results::created_at.eq(DbTime(now)),
            ))
            .on_conflict_do_nothing()
            .execute(self.tx.conn()?)
            .await;
        if self.tx.check(reserved)? == 1 {
            return Ok(Reservation::Fresh);
        }
        // A key that was reserved and never answered runs again; the lock lets only one scope at a time do that.
        let found = locking!(
            tool_results::table
                .filter(tool_results::organization_id.eq(self.org))
                .filter(tool_results::key_hash.eq(call.key.0.as_slice()))
                .select((
                    tool_results::answer,
                    tool_results::succeeded,
                    tool_results::effect_id,
                    tool_results::undone_at,
                ))
        )
        .first::<StoredResult>(self.tx.conn()?)
        .await
        .optional();
        let Some((answer, succeeded, effect, undone_at)) = self.tx.check(found)? else {
            return Err(inconsistent("key_hash", call.key));
        };
        let Some(answer) = answer else { return Ok(Reservation::Fresh) };
        let answer = ToolAnswer::deserialize(answer.0).map_err(|_cause| inconsistent("answer", call.key))?;
        Ok(Reservation::Done {
            answer,
            succeeded,
            effect: effect.map(|id| EffectId(id.0)),
            is_undone: undone_at.is_some(),
        })
    }

    async fn store(
        &mut self,
        key: KeyHash,
        answer: &ToolAnswer,
        succeeded: bool,
        effect: Option<EffectId>,
    ) -> Result<(), StorageError> {
        let answer = serde_json::to_value(answer).map_err(StorageError::rejected)?;
        let stored = diesel::update(
            tool_results::table
                .filter(tool_results::organization_id.eq(self.org))
                .filter(tool_results::key_hash.eq(key.0.as_slice())),
        )
        .set((
            tool_results::answer.eq(DbJson(clean_json(answer))),
            tool_results::succeeded.eq(succeeded),
            tool_results::effect_id.eq(effect.map(|id| DbUuid(id.0))),
            tool_results::undone_at.eq(None::<DbTime>),
        ))
        .execute(self.tx.conn()?)
        .await;
        if self.tx.check(stored)? == 1 { Ok(()) } else { Err(inconsistent("key_hash", key)) }
    }

    async fn undo(&mut self, effect: EffectId, now: DateTime<Utc>) -> Result<(), StorageError> {
        let undone = diesel::update(
            tool_results::table
                .filter(tool_results::organization_id.eq(self.org))
                .filter(tool_results::effect_id.eq(DbUuid(effect.0)))
                .filter(tool_results::undone_at.is_null()),
        )
        .set(tool_results::undone_at.eq(DbTime(now)))
        .execute(self.tx.conn()?)
        .await;
        self.tx.check(undone).map(|_| ())
    }
}

fn inconsistent(column: &'static str, key: KeyHash) -> StorageError {
    let row = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    StorageError::Inconsistent { table: "tool_results", column, row }
}
