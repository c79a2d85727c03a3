//! Documents of a knowledge base.

use serde_json::{Value, json};

/// A piece of knowledge that fits the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    content: String,
    similarity: f64,
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

    fn to_value(&self) -> Value {
        let mut document = json!({ "content": self.content, "similarity": self.similarity });
        if let (Some(document), Some(uuid)) = (document.as_object_mut(), &self.uuid) {
            document.insert("uuid".to_owned(), json!(uuid));
        }
        document
    }
}

/// The documents that were asked for; none is an answer too.
#[derive(Debug, Clone, Default, PartialEq)]
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

    pub(super) fn to_value(&self) -> Value {
        let documents: Vec<_> = self.documents.iter().map(Document::to_value).collect();
        json!({ "documents": documents })
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

    pub(super) fn to_value(&self) -> Value {
        let chunks: Vec<_> = self.chunks.iter().map(Document::to_value).collect();
        json!({ "success": true, "context": self.context, "chunks": chunks })
    }
}
