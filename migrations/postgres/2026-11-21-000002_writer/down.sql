DROP FUNCTION add_deliveries, lock_calls, write_calls, lock_contacts, write_contacts, pin_calls, raise_alarms,
    contested_calls;

CREATE INDEX webhook_events_by_time ON webhook_events (organization_id, received_at);
ALTER TABLE call_logs RESET (fillfactor);
ALTER TABLE webhook_events RESET (toast_tuple_target);
ALTER TABLE webhook_events ALTER COLUMN body SET STORAGE EXTENDED;
ALTER TABLE call_logs ALTER COLUMN transcript SET COMPRESSION default;
ALTER TABLE call_logs ALTER COLUMN summary SET COMPRESSION default;
ALTER TABLE call_logs ALTER COLUMN structured_data SET COMPRESSION default;
