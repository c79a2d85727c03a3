//! Documents of a knowledge base.

use serde::Serialize;

/// A piece of knowledge that fits the conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    content: String,
    similarity: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
}

impl Document {
    /// A piece of text and how well it fits, from 0 to 1; anything else is brought into that range.
    #[must_use]
    pub fn new(content: impl Into<String>, similarity: f64) -> Self {
        // NaN would be written as null, which is no number.
        let similarity = if similarity.is_nan() { 0.0 } else { similarity.clamp(0.0, 1.0) };
        Self { content: content.into(), similarity, uuid: None }
    }

    /// The id of the document.
    #[must_use]
    pub fn with_uuid(mut self, uuid: impl Into<String>) -> Self {
        self.uuid = Some(uuid.into());
        self
    }
}

/// The documents that were asked for; none is an answer too.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct KnowledgeReply {
    /// The documents, best first.
    pub documents: Vec<Document>,
}

impl KnowledgeReply {
    /// These documents, best first.
    #[must_use]
    pub fn new(documents: Vec<Document>) -> Self {
        Self { documents }
    }
}

/// Knowledge for a turn of the conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationUpdateReply {
    /// The knowledge as one text.
    pub context: String,
    /// The pieces that it is made of, best first.
    pub chunks: Vec<Document>,
}

impl ConversationUpdateReply {
    /// This text, made of these pieces.
    #[must_use]
    pub fn new(context: impl Into<String>, chunks: Vec<Document>) -> Self {
        Self { context: context.into(), chunks }
    }
}
