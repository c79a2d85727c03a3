//! The rows as they are read on either database: what an organizations file can declare, the directory, the inbox.

pub(crate) mod ledger;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StorageError;
use crate::repo::messages::{EventId, EventVerdict, StoredMessage};
use crate::schema::{
    agents, closures, credentials, customer_configurations, identifiers, knowledge_documents, opening_hours,
    organizations, phone_number_mapping, phone_numbers, resources, services, transfer_destinations,
    webhook_events,
};
use crate::sql_types::DbTextList;

/// Declares the struct of a table's row.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident of $table:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Queryable, Selectable)]
        #[diesel(table_name = $table)]
        pub(crate) struct $name {
            pub(crate) organization_id: Uuid,
            $(pub(crate) $field: $type,)*
        }

    };
}

/// The organization itself.
#[derive(Queryable, Selectable, Deserialize)]
#[diesel(table_name = organizations)]
pub(crate) struct OrgRow {
    pub(crate) id: Uuid,
    pub(crate) slug: Option<String>,
    pub(crate) name: String,
    pub(crate) timezone: String,
    pub(crate) region: String,
    pub(crate) primary_language: String,
    pub(crate) secondary_languages: DbTextList,
    pub(crate) vapi_org_id: Option<String>,
    pub(crate) settings: Value,
    pub(crate) limits: Value,
    pub(crate) retention: Value,
    pub(crate) is_active: bool,
}

row! {
    /// An assistant.
    #[derive(Deserialize)]
    AgentRow of agents {
        id: Uuid,
        vapi_assistant_id: String,
        name: String,
        role: String,
        is_active: bool,
    }
}

row! {
    /// A mapping, often written by hand; squads are declared here too.
    ConfigurationRow of customer_configurations {
        id: Uuid,
        vapi_assistant_id: Option<String>,
        vapi_phone_number: Option<String>,
        vapi_squad_id: Option<String>,
        is_active: bool,
    }
}

row! {
    /// A number.
    #[derive(Deserialize)]
    NumberRow of phone_numbers {
        id: Uuid,
        provider_phone_id: Option<String>,
        number: Option<String>,
        sip_uri: Option<String>,
        label: String,
        route: Option<Value>,
        fallback_assistant_id: Option<String>,
        is_active: bool,
    }
}

row! {
    /// A number's mapping, always written by hand.
    MappingRow of phone_number_mapping {
        id: Uuid,
        inbound_phone_number: String,
        vapi_phone_number_id: Option<String>,
        clinic_name: String,
        is_active: bool,
    }
}

row! {
    /// A credential with its sealed secret.
    SecretRow of credentials {
        id: Uuid,
        label: String,
        recipe: Value,
        sealed_secret: Vec<u8>,
        sealing_key_id: String,
        not_before: Option<DateTime<Utc>>,
        not_after: Option<DateTime<Utc>>,
    }
}

row! {
    /// A service.
    #[derive(Deserialize)]
    ServiceRow of services {
        id: Uuid,
        name: String,
        minutes: i32,
        buffer_minutes: i32,
    }
}

row! {
    /// A resource.
    #[derive(Deserialize)]
    ResourceRow of resources {
        id: Uuid,
        name: String,
        capacity: i32,
    }
}

row! {
    /// One range of opening hours.
    #[derive(Deserialize)]
    HoursRow of opening_hours {
        weekday: i16,
        opens: String,
        closes: String,
    }
}

row! {
    /// A closure.
    #[derive(Deserialize)]
    ClosureRow of closures {
        id: Uuid,
        from_date: String,
        to_date: String,
        reason: Option<String>,
    }
}

row! {
    /// A department.
    #[derive(Deserialize)]
    TransferRow of transfer_destinations {
        id: Uuid,
        department: String,
        number: Option<String>,
        sip_uri: Option<String>,
        opening_hours: Option<Value>,
    }
}

row! {
    /// A knowledge file.
    KnowledgeRow of knowledge_documents {
        id: Uuid,
        path: String,
        title: String,
        content: String,
    }
}

/// One row of `identifiers`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = identifiers)]
pub(crate) struct OwnerRow {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) is_active: bool,
    pub(crate) valid_from: DateTime<Utc>,
    pub(crate) valid_to: Option<DateTime<Utc>>,
}

/// An organization's state, as the gate needs it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub(crate) struct AccessRow {
    pub(crate) is_active: bool,
    pub(crate) vapi_org_id: Option<String>,
    pub(crate) has_own_credentials: bool,
    pub(crate) limits: Value,
    pub(crate) primary_language: String,
}

/// A message of the inbox without its body.
#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
pub(crate) struct MessageRow {
    id: EventId,
    kind: String,
    vapi_call_id: Option<String>,
    dedupe_key: String,
    verdict: String,
    body_bytes: i32,
    request_id: String,
    received_at: DateTime<Utc>,
    deliveries: i32,
}

impl MessageRow {
    pub(crate) fn read(self) -> Result<StoredMessage, StorageError> {
        Ok(StoredMessage {
            verdict: EventVerdict::parse(&self.verdict).ok_or_else(|| self.id.inconsistent("verdict"))?,
            id: self.id,
            kind: self.kind,
            vapi_call_id: self.vapi_call_id,
            dedupe_key: self.dedupe_key,
            body_bytes: self.body_bytes,
            request_id: self.request_id,
            received_at: self.received_at,
            deliveries: self.deliveries,
        })
    }
}

/// The rows of one organization, each list in the order of its reading.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) agents: Vec<AgentRow>,
    pub(crate) configurations: Vec<ConfigurationRow>,
    pub(crate) numbers: Vec<NumberRow>,
    pub(crate) mappings: Vec<MappingRow>,
    pub(crate) credentials: Vec<SecretRow>,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) resources: Vec<ResourceRow>,
    pub(crate) hours: Vec<HoursRow>,
    pub(crate) closures: Vec<ClosureRow>,
    pub(crate) transfers: Vec<TransferRow>,
    pub(crate) knowledge: Vec<KnowledgeRow>,
}
