DROP FUNCTION quarantine_message(text, text, text, jsonb, bytea, integer, text, bigint, bigint, bigint);
ALTER TABLE quarantine DROP COLUMN dedupe_key;
