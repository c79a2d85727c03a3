-- The key under which the organization's inbox will know the message. It is made of the body as it arrived; the stored
-- one is redacted, and could give another. Empty for messages that came before this migration.
ALTER TABLE quarantine ADD COLUMN dedupe_key TEXT NOT NULL DEFAULT '';
