//! The tables, once for both databases: columns and types as in `migrations/`.

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTextList, SqlTime, SqlUuid};

    organizations (id) {
        id -> SqlUuid,
        slug -> Nullable<Text>,
        name -> Text,
        timezone -> Text,
        region -> Text,
        primary_language -> Text,
        secondary_languages -> SqlTextList,
        vapi_org_id -> Nullable<Text>,
        has_own_credentials -> Bool,
        settings -> SqlJson,
        limits -> SqlJson,
        is_active -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTextList, SqlTime, SqlUuid};

    customer_configurations (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        vapi_assistant_id -> Nullable<Text>,
        vapi_phone_number -> Nullable<Text>,
        vapi_squad_id -> Nullable<Text>,
        primary_language -> Text,
        secondary_languages -> SqlTextList,
        sms_preferences -> SqlJson,
        custom_config -> SqlJson,
        is_active -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Text};
    use crate::sql_types::{SqlTime, SqlUuid};

    agents (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        vapi_assistant_id -> Text,
        name -> Text,
        role -> Text,
        is_active -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    phone_numbers (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        provider_phone_id -> Nullable<Text>,
        number -> Nullable<Text>,
        sip_uri -> Nullable<Text>,
        label -> Text,
        route -> Nullable<SqlJson>,
        fallback_assistant_id -> Nullable<Text>,
        is_active -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::sql_types::{SqlTime, SqlUuid};

    phone_number_mapping (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        inbound_phone_number -> Text,
        vapi_phone_number_id -> Nullable<Text>,
        clinic_name -> Text,
        is_active -> Bool,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    credentials (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        label -> Text,
        recipe -> SqlJson,
        sealed_secret -> Binary,
        sealing_key_id -> Text,
        not_before -> Nullable<SqlTime>,
        not_after -> Nullable<SqlTime>,
        last_used_at -> Nullable<SqlTime>,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, SmallInt, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    call_logs (organization_id, vapi_call_id) {
        organization_id -> SqlUuid,
        vapi_call_id -> Text,
        call_type -> Nullable<Text>,
        status -> Text,
        status_rank -> SmallInt,
        vapi_assistant_id -> Nullable<Text>,
        phone_number_id -> Nullable<Text>,
        customer_number -> Nullable<Text>,
        contact_id -> Nullable<SqlUuid>,
        metadata -> SqlJson,
        started_at -> Nullable<SqlTime>,
        ended_at -> Nullable<SqlTime>,
        ended_reason -> Nullable<Text>,
        sealed_control_url -> Nullable<Binary>,
        decided -> SqlJson,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Double, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlUuid};

    call_reports (organization_id, vapi_call_id) {
        organization_id -> SqlUuid,
        vapi_call_id -> Text,
        duration_ms -> Nullable<BigInt>,
        cost -> Nullable<Double>,
        transcript -> Nullable<Text>,
        summary -> Nullable<Text>,
        structured_data -> Nullable<SqlJson>,
        success_evaluation -> Nullable<Text>,
        recording_url -> Nullable<Text>,
        stereo_recording_url -> Nullable<Text>,
        decided -> SqlJson,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{SqlTime, SqlUuid};

    call_pins (organization_id, vapi_call_id) {
        organization_id -> SqlUuid,
        vapi_call_id -> Text,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Integer, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    webhook_events (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        kind -> Text,
        vapi_call_id -> Nullable<Text>,
        dedupe_key -> Text,
        verdict -> Text,
        trace -> SqlJson,
        body -> Binary,
        body_bytes -> Integer,
        answer -> Nullable<SqlJson>,
        request_id -> Text,
        received_at -> SqlTime,
        deliveries -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Bool, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    tool_results (organization_id, key_hash) {
        organization_id -> SqlUuid,
        key_hash -> Binary,
        vapi_call_id -> Text,
        tool_call_id -> Text,
        tool -> Text,
        succeeded -> Bool,
        answer -> Nullable<SqlJson>,
        effect_id -> Nullable<SqlUuid>,
        undone_at -> Nullable<SqlTime>,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use crate::sql_types::{SqlTime, SqlUuid};

    contacts (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        name -> Text,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        language -> Nullable<Text>,
        do_not_call -> Bool,
        last_call_at -> Nullable<SqlTime>,
        created_at -> SqlTime,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, SmallInt, Text};
    use crate::sql_types::{SqlTime, SqlUuid};

    appointments (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        contact_id -> Nullable<SqlUuid>,
        service -> Nullable<Text>,
        resource_id -> SqlUuid,
        seat -> SmallInt,
        starts_at -> SqlTime,
        ends_at -> SqlTime,
        blocked_until -> SqlTime,
        status -> Text,
        patient_name -> Text,
        patient_phone -> Nullable<Text>,
        patient_email -> Nullable<Text>,
        vapi_call_id -> Nullable<Text>,
        tool_call_id -> Nullable<Text>,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Text};
    use crate::sql_types::SqlUuid;

    services (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        name -> Text,
        minutes -> Integer,
        buffer_minutes -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{Integer, Text};
    use crate::sql_types::SqlUuid;

    resources (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        name -> Text,
        capacity -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{SmallInt, Text};
    use crate::sql_types::SqlUuid;

    opening_hours (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        weekday -> SmallInt,
        opens -> Text,
        closes -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::SqlUuid;

    closures (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        from_date -> Text,
        to_date -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::{SqlJson, SqlUuid};

    transfer_destinations (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        department -> Text,
        number -> Nullable<Text>,
        sip_uri -> Nullable<Text>,
        opening_hours -> Nullable<SqlJson>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{SqlTime, SqlUuid};

    knowledge_documents (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        path -> Text,
        title -> Text,
        content -> Text,
        updated_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    security_log (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        event -> Text,
        detail -> SqlJson,
        vapi_call_id -> Nullable<Text>,
        request_id -> Text,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    audit_log (id) {
        id -> SqlUuid,
        actor -> Text,
        action -> Text,
        subject -> Text,
        detail -> SqlJson,
        created_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Integer, Nullable, Text};
    use crate::sql_types::{SqlJson, SqlTime, SqlUuid};

    quarantine (id) {
        id -> SqlUuid,
        kind -> Text,
        vapi_call_id -> Nullable<Text>,
        dedupe_key -> Text,
        identifiers -> SqlJson,
        body -> Binary,
        body_bytes -> Integer,
        request_id -> Text,
        received_at -> SqlTime,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::sql_types::{SqlTime, SqlUuid};

    identifiers (id) {
        id -> BigInt,
        kind -> Text,
        value -> Text,
        organization_id -> SqlUuid,
        is_active -> Bool,
        valid_from -> SqlTime,
        valid_to -> Nullable<SqlTime>,
    }
}

diesel::table! {
    use diesel::sql_types::{Bool, Text};
    use crate::sql_types::SqlUuid;

    identifier_sources (organization_id, source, source_id, kind, value) {
        organization_id -> SqlUuid,
        source -> Text,
        source_id -> SqlUuid,
        kind -> Text,
        value -> Text,
        is_active -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;

    directory_version (version) {
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::Text;

    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, credentials);
