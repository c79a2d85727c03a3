//! The tables and columns that statements name, once for both databases: their types as in `migrations/`.

/// Gives tables to diesel, each with the types of columns.
macro_rules! tables {
    ($($table:ident ($($key:ident),*) { $($columns:tt)* })*) => {
        $(diesel::table! {
            use diesel::sql_types::*;
            use crate::sql_types::*;

            $table ($($key),*) { $($columns)* }
        })*
    };
}

tables! {
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
        retention -> SqlJson,
        is_active -> Bool,
    }

    customer_configurations (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        vapi_assistant_id -> Nullable<Text>,
        vapi_phone_number -> Nullable<Text>,
        vapi_squad_id -> Nullable<Text>,
        is_active -> Bool,
        created_at -> SqlTime,
    }

    agents (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        vapi_assistant_id -> Text,
        name -> Text,
        role -> Text,
        is_active -> Bool,
    }

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
    }

    phone_number_mapping (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        inbound_phone_number -> Text,
        vapi_phone_number_id -> Nullable<Text>,
        clinic_name -> Text,
        is_active -> Bool,
        created_at -> SqlTime,
    }

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
    }

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

    call_pins (organization_id, vapi_call_id) {
        organization_id -> SqlUuid,
        vapi_call_id -> Text,
        is_erased -> Bool,
        created_at -> SqlTime,
    }

    webhook_events (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        kind -> Text,
        vapi_call_id -> Nullable<Text>,
        dedupe_key -> Text,
        verdict -> Text,
        trace -> Binary,
        body -> Binary,
        body_bytes -> Integer,
        answer -> Nullable<SqlJson>,
        request_id -> Text,
        received_at -> SqlTime,
        deliveries -> Integer,
    }

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

    services (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        name -> Text,
        minutes -> Integer,
        buffer_minutes -> Integer,
    }

    resources (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        name -> Text,
        capacity -> Integer,
    }

    opening_hours (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        weekday -> SmallInt,
        opens -> Text,
        closes -> Text,
    }

    closures (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        from_date -> Text,
        to_date -> Text,
        reason -> Nullable<Text>,
    }

    transfer_destinations (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        department -> Text,
        number -> Nullable<Text>,
        sip_uri -> Nullable<Text>,
        opening_hours -> Nullable<SqlJson>,
    }

    knowledge_documents (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        path -> Text,
        title -> Text,
        content -> Text,
    }

    security_log (organization_id, id) {
        organization_id -> SqlUuid,
        id -> SqlUuid,
        event -> Text,
        detail -> SqlJson,
        vapi_call_id -> Nullable<Text>,
        request_id -> Text,
        created_at -> SqlTime,
    }

    audit_log (id) {
        id -> SqlUuid,
        actor -> Text,
        action -> Text,
        subject -> Text,
        detail -> SqlJson,
    }

    quarantine (id) {
        id -> SqlUuid,
        kind -> Text,
        vapi_call_id -> Nullable<Text>,
        dedupe_key -> Text,
        identifiers -> SqlJson,
        body -> Binary,
        body_bytes -> Integer,
        stored_bytes -> Integer,
        request_id -> Text,
        received_at -> SqlTime,
    }

    refusals (id) {
        id -> BigInt,
        reason -> Text,
        step -> Text,
        identifier -> Text,
        organization_id -> Nullable<SqlUuid>,
        count -> BigInt,
        first_at -> SqlTime,
        last_at -> SqlTime,
    }

    identifiers (id) {
        id -> BigInt,
        kind -> Text,
        value -> Text,
        organization_id -> Nullable<SqlUuid>,
        is_active -> Bool,
        valid_from -> SqlTime,
        valid_to -> Nullable<SqlTime>,
    }

    deployment (name) {
        name -> Text,
        value -> Binary,
    }

    directory_version (version) {
        version -> BigInt,
    }

    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, credentials);
