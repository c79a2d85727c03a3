-- Drops everything that up.sql made. Roles and the btree_gist extension stay: other databases and tables may need them.

DROP FUNCTION record_batch, decides, pins_of_calls;

DROP FUNCTION book_appointment, reserve_tool_result, find_contact;

DROP VIEW assistant_org_mapping;

-- Tables take their triggers, policies and grants with them.
DROP TABLE retention_marks, identifier_sources, identifiers, deployment, refusals, quarantine, audit_log, security_log, knowledge_documents,
    transfer_destinations, closures, opening_hours, resources, services, appointments, contacts, tool_results,
    webhook_events, call_pins, call_reports, call_logs, credentials, phone_number_mapping, phone_numbers, agents,
    customer_configurations, organizations, dialing_regions;

DROP FUNCTION mapping_rows_came_or_went();
DROP FUNCTION mapping_row_changed();
DROP FUNCTION organizations_came();
DROP FUNCTION organization_renamed();
DROP FUNCTION organization_leaves();
DROP FUNCTION organization_moved();
DROP FUNCTION sync_identifiers(text, uuid[], uuid[]);
DROP FUNCTION names_of(text, uuid[], uuid[]);
DROP FUNCTION refuse_long_identifier(text, text);
DROP FUNCTION reconcile_identifier(uuid, text, text);
DROP FUNCTION own_credentials_are_for_good();
DROP FUNCTION credentials_stay_few();
DROP FUNCTION credential_is_own();
DROP FUNCTION touch_credential(uuid);
DROP FUNCTION call_is_pinned();
DROP FUNCTION pinned_by_others(text);
DROP FUNCTION notify_identifiers(), notify_organizations(), notify_credentials(), notify_tenants(), notify_everything(), announce(text[]);
DROP FUNCTION trim_quarantine;
DROP FUNCTION quarantine_message, count_refusals, clear_away, first_id_at;
DROP FUNCTION quarantine_bounds;
DROP FUNCTION touch_updated_at();
DROP FUNCTION normalise_phone(text, text);
DROP FUNCTION normalise_id(text);
