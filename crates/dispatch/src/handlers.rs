//! One handler per kind of message. Each works in one scope and commits once, last.

mod assistant_request;
mod campaign;
mod destinations;
mod events;
mod knowledge;

pub(crate) use assistant_request::{FallbackAssistants, assistant_request};
pub(crate) use campaign::campaign_predial;
pub(crate) use destinations::{handoff_destination, transfer_destination};
pub(crate) use events::{call_deleted, endpointing, event};
pub(crate) use knowledge::{conversation_update, knowledge_base_request};

use vapi_types::{MessageKind, TrafficClass};

/// True for kinds that say something about a call's course. Streams come by the hundred and add nothing.
pub(crate) fn belongs_in_ledger(kind: &MessageKind) -> bool {
    kind.class() != TrafficClass::Stream
        && !matches!(kind, MessageKind::CallDeleted | MessageKind::Unknown(_))
}
