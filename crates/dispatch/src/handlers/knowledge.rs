//! Questions that the organization's documents answer.

use storage::StorageError;
use vapi_types::message::{Turn, Turns};
use vapi_types::reply::{ConversationUpdateReply, Document, KnowledgeReply};
use vapi_types::{Reply, ServerMessage};

use crate::knowledge::{self, Passage};
use crate::outcome::Handled;
use crate::services::Handling;

/// How many turns are looked through for the caller's latest question.
const TURNS: usize = 8;

/// Documents for the caller's latest question.
pub(crate) async fn knowledge_base_request(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let (passages, effects) = search(handling).await?;
    Ok(Handled::reply(Reply::Knowledge(KnowledgeReply::new(documents(&passages))), effects))
}

/// The conversation so far: kept, and after a caller's turn answered with what the documents say to it.
pub(crate) async fn conversation_update(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let (passages, effects) = search(handling).await?;
    let context = passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>().join("\n\n");
    let reply = ConversationUpdateReply::new(context, documents(&passages));
    Ok(Handled::reply(Reply::ConversationUpdate(reply), effects))
}

fn documents(passages: &[Passage]) -> Vec<Document> {
    passages.iter().map(|passage| Document::new(passage.text.as_str(), passage.similarity)).collect()
}

async fn search(handling: Handling<'_>) -> Result<(Vec<Passage>, Vec<&'static str>), StorageError> {
    let turns = match handling.incoming.message() {
        Some(ServerMessage::KnowledgeBaseRequest(request)) => request.turns(),
        Some(ServerMessage::ConversationUpdate(update)) => update.turns(),
        _ => None,
    };
    let Some(question) = latest_question(turns) else {
        return Ok((Vec::new(), handling.record().await?));
    };
    let (mut scope, effects) = handling.receive().await?;
    let passages = knowledge::find(&scope.declared().documents().await?, &question);
    scope.commit().await?;
    Ok((passages, effects))
}

/// The caller's last words, if nobody has answered yet.
fn latest_question(turns: Option<&Turns>) -> Option<String> {
    let turns = turns?.latest(TURNS);
    let last = turns.last().filter(|turn| is_caller(turn))?;
    last.text().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn is_caller(turn: &Turn) -> bool {
    turn.role.as_ref().is_some_and(|role| role.as_str() == "user")
}
