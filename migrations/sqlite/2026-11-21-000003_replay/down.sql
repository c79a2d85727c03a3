ALTER TABLE quarantine DROP COLUMN dedupe_key;
