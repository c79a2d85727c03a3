-- What the writer calls: each function takes the rows of many organizations as one array a column, sorted by
-- organization, and enters each organization by its own setting before it touches its rows. They run with the rights
-- of their caller, so that every row passes the ordinary policies. A statement costs the server about as much as a
-- row does, which is why a whole batch travels in one.

DO $$
BEGIN
    IF current_user <> 'gateway_owner' THEN
        RAISE EXCEPTION 'this migration runs as gateway_owner, not as %', current_user
            USING HINT = 'Use vapi-gateway migrate, or run postgres-roles.sql and SET ROLE gateway_owner first.';
    END IF;
END
$$;

-- Bodies are compressed already. Rows of up to a page stay whole: trying to shrink them costs more than it gives.
ALTER TABLE webhook_events ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE webhook_events SET (toast_tuple_target = 8160);

-- Ids sort by time, so the primary key finds what this one found; every message paid for it.
DROP INDEX webhook_events_by_time;

-- Most updates of a call change no indexed column: room in its page spares every index a new entry.
ALTER TABLE call_logs SET (fillfactor = 70);

-- Where the server knows LZ4, transcripts are compressed by it: several times faster, and about as small.
DO $$
BEGIN
    ALTER TABLE call_logs ALTER COLUMN transcript SET COMPRESSION lz4;
    ALTER TABLE call_logs ALTER COLUMN summary SET COMPRESSION lz4;
    ALTER TABLE call_logs ALTER COLUMN structured_data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;

-- Stores messages and counts their deliveries, in the order in which they come. A fuller delivery's body replaces the
-- stored one; an erased body stays erased. Each row enters its organization on its way into the table, before the
-- policies look at it; were rows ever to travel in another way, the policies would refuse them.
CREATE FUNCTION add_deliveries(
    owners uuid[], ids uuid[], kinds text[], calls text[], keys text[], verdicts text[], traces jsonb[],
    bodies bytea[], lengths integer[], requests text[], arrivals timestamptz[], counts integer[]
) RETURNS SETOF integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY
    INSERT INTO webhook_events AS stored (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body,
                                          body_bytes, request_id, received_at, deliveries)
    SELECT sent.*
    FROM unnest(owners, ids, kinds, calls, keys, verdicts, traces, bodies, lengths, requests, arrivals, counts)
        AS sent (owner, id, kind, call, key, verdict, trace, body, length, request, arrival, count)
    WHERE set_config('app.organization_id', sent.owner::text, true) IS NOT NULL
    ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET
        deliveries = stored.deliveries + excluded.deliveries,
        body = CASE WHEN stored.body_bytes > 0 AND excluded.body_bytes > stored.body_bytes
                    THEN excluded.body ELSE stored.body END,
        body_bytes = CASE WHEN stored.body_bytes > 0
                          THEN greatest(stored.body_bytes, excluded.body_bytes) ELSE 0 END
    RETURNING stored.deliveries;
END
$$;

-- Finds or makes the rows of calls, and locks them, in the order in which they come.
CREATE FUNCTION lock_calls(owners uuid[], ids uuid[], calls text[], arrivals timestamptz[]) RETURNS SETOF call_logs
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    wanted record;
    found_row call_logs%ROWTYPE;
BEGIN
    FOR wanted IN SELECT * FROM unnest(owners, ids, calls, arrivals) AS u (owner, id, call, arrival) LOOP
        IF wanted.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', wanted.owner::text, true);
            entered := wanted.owner;
        END IF;
        -- An insert that loses to another transaction's has waited for it, and then the row is there to be locked.
        FOR attempt IN 1..2 LOOP
            SELECT * INTO found_row FROM call_logs c
            WHERE c.organization_id = wanted.owner AND c.vapi_call_id = wanted.call FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO call_logs (organization_id, id, vapi_call_id, created_at, updated_at)
            VALUES (wanted.owner, wanted.id, wanted.call, wanted.arrival, wanted.arrival)
            ON CONFLICT DO NOTHING RETURNING * INTO found_row;
            EXIT WHEN FOUND;
        END LOOP;
        RETURN NEXT found_row;
    END LOOP;
END
$$;

-- Writes every column of calls that are locked; one that is not there fails the whole.
CREATE FUNCTION write_calls(
    owners uuid[], ids uuid[], call_types text[], statuses text[], status_ranks smallint[], assistants text[],
    phone_number_ids text[], customer_numbers text[], contact_ids uuid[], metadatas jsonb[], starts timestamptz[],
    ends timestamptz[], ended_reasons text[], durations bigint[], costs double precision[], transcripts text[],
    summaries text[], structured jsonb[], evaluations text[], recordings text[], stereo_recordings text[],
    sealed_urls bytea[], sealing_keys text[], updates timestamptz[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    news record;
BEGIN
    FOR news IN
        SELECT * FROM unnest(owners, ids, call_types, statuses, status_ranks, assistants, phone_number_ids,
                             customer_numbers, contact_ids, metadatas, starts, ends, ended_reasons, durations, costs,
                             transcripts, summaries, structured, evaluations, recordings, stereo_recordings,
                             sealed_urls, sealing_keys, updates)
            AS u (owner, id, call_type, status, status_rank, assistant, phone_number_id, customer_number, contact_id,
                  metadata, start, finish, ended_reason, duration, cost, transcript, summary, structured_data,
                  evaluation, recording, stereo_recording, sealed_url, sealing_key, updated)
    LOOP
        IF news.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', news.owner::text, true);
            entered := news.owner;
        END IF;
        UPDATE call_logs SET
            call_type = news.call_type, status = news.status, status_rank = news.status_rank,
            vapi_assistant_id = news.assistant, phone_number_id = news.phone_number_id,
            customer_number = news.customer_number, contact_id = news.contact_id, metadata = news.metadata,
            started_at = news.start, ended_at = news.finish, ended_reason = news.ended_reason,
            duration_ms = news.duration, cost = news.cost, transcript = news.transcript, summary = news.summary,
            structured_data = news.structured_data, success_evaluation = news.evaluation,
            recording_url = news.recording, stereo_recording_url = news.stereo_recording,
            sealed_control_url = news.sealed_url, sealing_key_id = news.sealing_key, updated_at = news.updated
        WHERE organization_id = news.owner AND id = news.id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a locked row is gone: %', news.id;
        END IF;
    END LOOP;
END
$$;

-- Finds or makes the contacts of numbers, and locks them, in the order in which they come.
CREATE FUNCTION lock_contacts(owners uuid[], ids uuid[], phones text[], arrivals timestamptz[]) RETURNS SETOF contacts
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    wanted record;
    found_row contacts%ROWTYPE;
BEGIN
    FOR wanted IN SELECT * FROM unnest(owners, ids, phones, arrivals) AS u (owner, id, phone, arrival) LOOP
        IF wanted.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', wanted.owner::text, true);
            entered := wanted.owner;
        END IF;
        FOR attempt IN 1..2 LOOP
            SELECT * INTO found_row FROM contacts c
            WHERE c.organization_id = wanted.owner AND c.phone = wanted.phone FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO contacts (organization_id, id, phone, created_at, updated_at)
            VALUES (wanted.owner, wanted.id, wanted.phone, wanted.arrival, wanted.arrival)
            ON CONFLICT DO NOTHING RETURNING * INTO found_row;
            EXIT WHEN FOUND;
        END LOOP;
        RETURN NEXT found_row;
    END LOOP;
END
$$;

-- Writes what became known of contacts that are locked; one that is not there fails the whole.
CREATE FUNCTION write_contacts(
    owners uuid[], ids uuid[], names text[], emails text[], last_calls timestamptz[], updates timestamptz[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    news record;
BEGIN
    FOR news IN
        SELECT * FROM unnest(owners, ids, names, emails, last_calls, updates)
            AS u (owner, id, name, email, last_call, updated)
    LOOP
        IF news.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', news.owner::text, true);
            entered := news.owner;
        END IF;
        UPDATE contacts SET name = news.name, email = news.email, last_call_at = news.last_call, updated_at = news.updated
        WHERE organization_id = news.owner AND id = news.id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a locked row is gone: %', news.id;
        END IF;
    END LOOP;
END
$$;

-- Pins calls that have no row in the ledger.
CREATE FUNCTION pin_calls(owners uuid[], calls text[], arrivals timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    pin record;
BEGIN
    FOR pin IN SELECT * FROM unnest(owners, calls, arrivals) AS u (owner, call, arrival) LOOP
        IF pin.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', pin.owner::text, true);
            entered := pin.owner;
        END IF;
        INSERT INTO call_pins (organization_id, vapi_call_id, created_at) VALUES (pin.owner, pin.call, pin.arrival)
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;

-- Writes entries into the security logs.
CREATE FUNCTION raise_alarms(
    owners uuid[], ids uuid[], events text[], details jsonb[], calls text[], requests text[], arrivals timestamptz[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entered uuid;
    alarm record;
BEGIN
    FOR alarm IN
        SELECT * FROM unnest(owners, ids, events, details, calls, requests, arrivals)
            AS u (owner, id, event, detail, call, request, arrival)
    LOOP
        IF alarm.owner IS DISTINCT FROM entered THEN
            PERFORM set_config('app.organization_id', alarm.owner::text, true);
            entered := alarm.owner;
        END IF;
        INSERT INTO security_log (organization_id, id, event, detail, vapi_call_id, request_id, created_at)
        VALUES (alarm.owner, alarm.id, alarm.event, alarm.detail, alarm.call, alarm.request, alarm.arrival);
    END LOOP;
END
$$;

-- Of pairs of organization and call, those whose call another organization has pinned too: what pinned_by_others tells
-- of one call in one scope, so it runs with its owner's rights. Who the other one is stays untold. The older function
-- stays for nodes that are not updated yet.
CREATE FUNCTION contested_calls(owners uuid[], calls text[]) RETURNS TABLE (owner uuid, call text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- One by one, so that the index is used whatever the planner thinks of the size of the table.
    FOR owner, call IN SELECT * FROM unnest(owners, calls) LOOP
        IF EXISTS (SELECT FROM call_pins AS pinned
                   WHERE pinned.vapi_call_id = call AND pinned.organization_id <> owner) THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

DO $$
DECLARE
    ours text;
BEGIN
    FOREACH ours IN ARRAY ARRAY['add_deliveries', 'lock_calls', 'write_calls', 'lock_contacts', 'write_contacts',
                                'pin_calls', 'raise_alarms', 'contested_calls'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', ours);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I TO gateway_app', ours);
    END LOOP;
END
$$;
