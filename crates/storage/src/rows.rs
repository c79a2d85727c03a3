//! The rows that an organizations file can declare, as they are read on either database.

use diesel::prelude::*;
use uuid::Uuid;

use crate::schema::{
    agents, closures, credentials, customer_configurations, knowledge_documents, opening_hours,
    organizations, phone_number_mapping, phone_numbers, resources, services, transfer_destinations,
};
use crate::sql_types::{DbJson, DbTextList, DbTime, DbUuid};

/// A row that belongs to an organization.
pub(crate) trait Owned {
    fn owner(&self) -> Uuid;
}

/// Declares the struct of a table's row.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident of $table:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Queryable, Selectable)]
        #[diesel(table_name = $table)]
        pub(crate) struct $name {
            pub(crate) organization_id: DbUuid,
            $(pub(crate) $field: $type,)*
        }

        impl Owned for $name {
            fn owner(&self) -> Uuid {
                self.organization_id.0
            }
        }
    };
}

/// The organization itself.
#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub(crate) struct OrgRow {
    pub(crate) id: DbUuid,
    pub(crate) slug: Option<String>,
    pub(crate) name: String,
    pub(crate) timezone: String,
    pub(crate) region: String,
    pub(crate) primary_language: String,
    pub(crate) secondary_languages: DbTextList,
    pub(crate) vapi_org_id: Option<String>,
    pub(crate) settings: DbJson,
    pub(crate) limits: DbJson,
    pub(crate) is_active: bool,
}

row! {
    /// An assistant.
    AgentRow of agents {
        id: DbUuid,
        vapi_assistant_id: String,
        name: String,
        role: String,
        is_active: bool,
    }
}

row! {
    /// A mapping, often written by hand; squads are declared here too.
    ConfigurationRow of customer_configurations {
        id: DbUuid,
        vapi_assistant_id: Option<String>,
        vapi_phone_number: Option<String>,
        vapi_squad_id: Option<String>,
        is_active: bool,
    }
}

row! {
    /// A number.
    NumberRow of phone_numbers {
        id: DbUuid,
        provider_phone_id: Option<String>,
        number: Option<String>,
        sip_uri: Option<String>,
        label: String,
        route: Option<DbJson>,
        fallback_assistant_id: Option<String>,
        is_active: bool,
    }
}

row! {
    /// A number's mapping, always written by hand.
    MappingRow of phone_number_mapping {
        id: DbUuid,
        inbound_phone_number: String,
        vapi_phone_number_id: Option<String>,
        clinic_name: String,
        is_active: bool,
    }
}

row! {
    /// A credential with its sealed secret.
    SecretRow of credentials {
        id: DbUuid,
        label: String,
        recipe: DbJson,
        sealed_secret: Vec<u8>,
        sealing_key_id: String,
        not_before: Option<DbTime>,
        not_after: Option<DbTime>,
    }
}

row! {
    /// A service.
    ServiceRow of services {
        id: DbUuid,
        name: String,
        minutes: i32,
        buffer_minutes: i32,
    }
}

row! {
    /// A resource.
    ResourceRow of resources {
        id: DbUuid,
        name: String,
        capacity: i32,
    }
}

row! {
    /// One range of opening hours.
    HoursRow of opening_hours {
        weekday: i16,
        opens: String,
        closes: String,
    }
}

row! {
    /// A closure.
    ClosureRow of closures {
        id: DbUuid,
        from_date: String,
        to_date: String,
        reason: Option<String>,
    }
}

row! {
    /// A department.
    TransferRow of transfer_destinations {
        id: DbUuid,
        department: String,
        number: Option<String>,
        sip_uri: Option<String>,
        opening_hours: Option<DbJson>,
    }
}

row! {
    /// A knowledge file.
    KnowledgeRow of knowledge_documents {
        id: DbUuid,
        path: String,
        title: String,
        content: String,
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
