-- What claiming a message from quarantine needs. Runs as gateway_owner.

DO $$
BEGIN
    IF current_user <> 'gateway_owner' THEN
        RAISE EXCEPTION 'this migration runs as gateway_owner, not as %', current_user
            USING HINT = 'Use vapi-gateway migrate, or SET ROLE gateway_owner first.';
    END IF;
END
$$;

-- The key under which the organization's inbox will know the message. It is made of the body as it arrived; the stored
-- one is redacted, and could give another. Empty for messages that came before this migration.
ALTER TABLE quarantine ADD COLUMN dedupe_key text NOT NULL DEFAULT '';

-- The form without a key stays for the nodes of the older version while they are replaced one by one.
CREATE FUNCTION quarantine_message(
    message_kind text, call_id text, message_key text, claims jsonb, stored bytea, original_bytes integer, request text,
    max_rows bigint, max_bytes bigint, max_age_seconds bigint
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kept uuid;
BEGIN
    kept := quarantine_message(
        message_kind, call_id, claims, stored, original_bytes, request, max_rows, max_bytes, max_age_seconds);
    UPDATE quarantine SET dedupe_key = message_key WHERE id = kept;
    RETURN kept;
END
$$;

REVOKE ALL ON FUNCTION
    quarantine_message(text, text, text, jsonb, bytea, integer, text, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    quarantine_message(text, text, text, jsonb, bytea, integer, text, bigint, bigint, bigint) TO gateway_app;
