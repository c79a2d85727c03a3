//! Events of chats and sessions.

use super::chat::{Chat, Session};
use super::common::Common;
use crate::kind::MessageKind;
use crate::payload::payload;

payload! {
    /// A chat was created or deleted. The chat itself is in `common`.
    ChatEvent in common: Common as MessageKind with (chat: Box<Chat>) {}
}

payload! {
    /// A session was created, changed or deleted.
    SessionEvent in common: Common as MessageKind {
        /// The session.
        new session: Box<Session> = "session",
    }
}
