//! Chats and sessions.

use chrono::{DateTime, Utc};

use super::call::{Customer, PhoneNumber};
use crate::ids::{AccountId, AssistantId, ChatId, PhoneNumberId, SessionId, SquadId};
use crate::payload::{Raw, payload};

payload! {
    /// A text chat with an assistant.
    Chat {
        /// Its id.
        new id: ChatId = "id",
        /// The Vapi account.
        new account_id: AccountId = "orgId",
        /// The session that it belongs to.
        opt session_id: SessionId = "sessionId",
        /// The saved assistant.
        opt assistant_id: AssistantId = "assistantId",
        /// The squad.
        opt squad_id: SquadId = "squadId",
        /// The person's text.
        opt input: Raw = "input",
        /// The assistant's text.
        opt output: Raw = "output",
        /// Its display name.
        opt name: String = "name",
        /// When it was created.
        new created_at: DateTime<Utc> = "createdAt",
        /// When it was last changed.
        new updated_at: DateTime<Utc> = "updatedAt",
    }
}

payload! {
    /// A session that links chats.
    Session {
        /// Its id.
        new id: SessionId = "id",
        /// The Vapi account.
        new account_id: AccountId = "orgId",
        /// The saved assistant.
        opt assistant_id: AssistantId = "assistantId",
        /// The squad.
        opt squad_id: SquadId = "squadId",
        /// The organization's number, by id.
        opt phone_number_id: PhoneNumberId = "phoneNumberId",
        /// The organization's number.
        opt phone_number: Box<PhoneNumber> = "phoneNumber",
        /// The person.
        opt customer: Box<Customer> = "customer",
        /// Its state, as in `active`.
        opt status: String = "status",
        /// Its display name.
        opt name: String = "name",
        /// When it was created.
        new created_at: DateTime<Utc> = "createdAt",
        /// When it was last changed.
        new updated_at: DateTime<Utc> = "updatedAt",
    }
}
