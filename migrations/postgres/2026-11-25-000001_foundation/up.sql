-- The whole schema of the gateway. Runs as gateway_owner; roles come from ../../postgres-roles.sql.
-- Every tenant table: organization_id uuid NOT NULL, primary key that begins with it, row-level security
-- enabled and FORCED, and every column but the identifying ones has a default.

-- SECURITY DEFINER functions run with the rights of whoever makes them, which must be the role without BYPASSRLS.
DO $$
BEGIN
    IF current_user <> 'gateway_owner' THEN
        RAISE EXCEPTION 'this migration runs as gateway_owner, not as %', current_user
            USING HINT = 'Use vapi-gateway migrate, or run postgres-roles.sql and SET ROLE gateway_owner first.';
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Tables
-- ---------------------------------------------------------------------------------------------------------------

-- How numbers are dialed in a region of the world: facts, the same for everybody.
CREATE TABLE dialing_regions (
    region text PRIMARY KEY CHECK (region ~ '^[A-Z]{2}$'),
    calling_code text NOT NULL,
    trunk_prefix text,                    -- null: numbers are dialed as they are
    international_prefix text NOT NULL
);

-- dialing regions: begin (make_regions.py)
INSERT INTO dialing_regions (region, calling_code, trunk_prefix, international_prefix) VALUES
    ('AC', '247', NULL, '00'),
    ('AD', '376', NULL, '00'),
    ('AE', '971', '0', '00'),
    ('AF', '93', '0', '00'),
    ('AG', '1', '1', '011'),
    ('AI', '1', '1', '011'),
    ('AL', '355', '0', '00'),
    ('AM', '374', '0', '00'),
    ('AO', '244', NULL, '00'),
    ('AR', '54', '0', '00'),
    ('AS', '1', '1', '011'),
    ('AT', '43', '0', '00'),
    ('AU', '61', '0', '0011'),
    ('AW', '297', NULL, '00'),
    ('AX', '358', '0', '00'),
    ('AZ', '994', '0', '00'),
    ('BA', '387', '0', '00'),
    ('BB', '1', '1', '011'),
    ('BD', '880', '0', '00'),
    ('BE', '32', '0', '00'),
    ('BF', '226', NULL, '00'),
    ('BG', '359', '0', '00'),
    ('BH', '973', NULL, '00'),
    ('BI', '257', NULL, '00'),
    ('BJ', '229', NULL, '00'),
    ('BL', '590', '0', '00'),
    ('BM', '1', '1', '011'),
    ('BN', '673', NULL, '00'),
    ('BO', '591', '0', '00'),
    ('BQ', '599', NULL, '00'),
    ('BR', '55', '0', '0012'),
    ('BS', '1', '1', '011'),
    ('BT', '975', NULL, '00'),
    ('BW', '267', NULL, '00'),
    ('BY', '375', '8', '810'),
    ('BZ', '501', NULL, '00'),
    ('CA', '1', '1', '011'),
    ('CC', '61', '0', '0011'),
    ('CD', '243', '0', '00'),
    ('CF', '236', NULL, '00'),
    ('CG', '242', NULL, '00'),
    ('CH', '41', '0', '00'),
    ('CI', '225', NULL, '00'),
    ('CK', '682', NULL, '00'),
    ('CL', '56', NULL, '00'),
    ('CM', '237', NULL, '00'),
    ('CN', '86', '0', '00'),
    ('CO', '57', '0', '005'),
    ('CR', '506', NULL, '00'),
    ('CU', '53', '0', '119'),
    ('CV', '238', NULL, '0'),
    ('CW', '599', NULL, '00'),
    ('CX', '61', '0', '0011'),
    ('CY', '357', NULL, '00'),
    ('CZ', '420', NULL, '00'),
    ('DE', '49', '0', '00'),
    ('DJ', '253', NULL, '00'),
    ('DK', '45', NULL, '00'),
    ('DM', '1', '1', '011'),
    ('DO', '1', '1', '011'),
    ('DZ', '213', '0', '00'),
    ('EC', '593', '0', '00'),
    ('EE', '372', NULL, '00'),
    ('EG', '20', '0', '00'),
    ('EH', '212', '0', '00'),
    ('ER', '291', '0', '00'),
    ('ES', '34', NULL, '00'),
    ('ET', '251', '0', '00'),
    ('FI', '358', '0', '00'),
    ('FJ', '679', NULL, '00'),
    ('FK', '500', NULL, '00'),
    ('FM', '691', NULL, '00'),
    ('FO', '298', NULL, '00'),
    ('FR', '33', '0', '00'),
    ('GA', '241', NULL, '00'),
    ('GB', '44', '0', '00'),
    ('GD', '1', '1', '011'),
    ('GE', '995', '0', '00'),
    ('GF', '594', '0', '00'),
    ('GG', '44', '0', '00'),
    ('GH', '233', '0', '00'),
    ('GI', '350', NULL, '00'),
    ('GL', '299', NULL, '00'),
    ('GM', '220', NULL, '00'),
    ('GN', '224', NULL, '00'),
    ('GP', '590', '0', '00'),
    ('GQ', '240', NULL, '00'),
    ('GR', '30', NULL, '00'),
    ('GT', '502', NULL, '00'),
    ('GU', '1', '1', '011'),
    ('GW', '245', NULL, '00'),
    ('GY', '592', NULL, '001'),
    ('HK', '852', NULL, '00'),
    ('HN', '504', NULL, '00'),
    ('HR', '385', '0', '00'),
    ('HT', '509', NULL, '00'),
    ('HU', '36', '06', '00'),
    ('ID', '62', '0', '008'),
    ('IE', '353', '0', '00'),
    ('IL', '972', '0', '00'),
    ('IM', '44', '0', '00'),
    ('IN', '91', '0', '00'),
    ('IO', '246', NULL, '00'),
    ('IQ', '964', '0', '00'),
    ('IR', '98', '0', '00'),
    ('IS', '354', NULL, '00'),
    ('IT', '39', NULL, '00'),
    ('JE', '44', '0', '00'),
    ('JM', '1', '1', '011'),
    ('JO', '962', '0', '00'),
    ('JP', '81', '0', '010'),
    ('KE', '254', '0', '000'),
    ('KG', '996', '0', '00'),
    ('KH', '855', '0', '001'),
    ('KI', '686', '0', '00'),
    ('KM', '269', NULL, '00'),
    ('KN', '1', '1', '011'),
    ('KP', '850', '0', '00'),
    ('KR', '82', '0', '001'),
    ('KW', '965', NULL, '00'),
    ('KY', '1', '1', '011'),
    ('KZ', '7', '8', '810'),
    ('LA', '856', '0', '00'),
    ('LB', '961', '0', '00'),
    ('LC', '1', '1', '011'),
    ('LI', '423', '0', '00'),
    ('LK', '94', '0', '00'),
    ('LR', '231', '0', '00'),
    ('LS', '266', NULL, '00'),
    ('LT', '370', '0', '00'),
    ('LU', '352', NULL, '00'),
    ('LV', '371', NULL, '00'),
    ('LY', '218', '0', '00'),
    ('MA', '212', '0', '00'),
    ('MC', '377', '0', '00'),
    ('MD', '373', '0', '00'),
    ('ME', '382', '0', '00'),
    ('MF', '590', '0', '00'),
    ('MG', '261', '0', '00'),
    ('MH', '692', '1', '011'),
    ('MK', '389', '0', '00'),
    ('ML', '223', NULL, '00'),
    ('MM', '95', '0', '00'),
    ('MN', '976', '0', '001'),
    ('MO', '853', NULL, '00'),
    ('MP', '1', '1', '011'),
    ('MQ', '596', '0', '00'),
    ('MR', '222', NULL, '00'),
    ('MS', '1', '1', '011'),
    ('MT', '356', NULL, '00'),
    ('MU', '230', NULL, '020'),
    ('MV', '960', NULL, '00'),
    ('MW', '265', '0', '00'),
    ('MX', '52', NULL, '00'),
    ('MY', '60', '0', '00'),
    ('MZ', '258', NULL, '00'),
    ('NA', '264', '0', '00'),
    ('NC', '687', NULL, '00'),
    ('NE', '227', NULL, '00'),
    ('NF', '672', NULL, '00'),
    ('NG', '234', '0', '009'),
    ('NI', '505', NULL, '00'),
    ('NL', '31', '0', '00'),
    ('NO', '47', NULL, '00'),
    ('NP', '977', '0', '00'),
    ('NR', '674', NULL, '00'),
    ('NU', '683', NULL, '00'),
    ('NZ', '64', '0', '00'),
    ('OM', '968', NULL, '00'),
    ('PA', '507', NULL, '00'),
    ('PE', '51', '0', '00'),
    ('PF', '689', NULL, '00'),
    ('PG', '675', NULL, '00'),
    ('PH', '63', '0', '00'),
    ('PK', '92', '0', '00'),
    ('PL', '48', NULL, '00'),
    ('PM', '508', '0', '00'),
    ('PR', '1', '1', '011'),
    ('PS', '970', '0', '00'),
    ('PT', '351', NULL, '00'),
    ('PW', '680', NULL, '011'),
    ('PY', '595', '0', '00'),
    ('QA', '974', NULL, '00'),
    ('RE', '262', '0', '00'),
    ('RO', '40', '0', '00'),
    ('RS', '381', '0', '00'),
    ('RU', '7', '8', '810'),
    ('RW', '250', '0', '00'),
    ('SA', '966', '0', '00'),
    ('SB', '677', NULL, '00'),
    ('SC', '248', NULL, '00'),
    ('SD', '249', '0', '00'),
    ('SE', '46', '0', '00'),
    ('SG', '65', NULL, '000'),
    ('SH', '290', NULL, '00'),
    ('SI', '386', '0', '00'),
    ('SJ', '47', NULL, '00'),
    ('SK', '421', '0', '00'),
    ('SL', '232', '0', '00'),
    ('SM', '378', NULL, '00'),
    ('SN', '221', NULL, '00'),
    ('SO', '252', '0', '00'),
    ('SR', '597', NULL, '00'),
    ('SS', '211', '0', '00'),
    ('ST', '239', NULL, '00'),
    ('SV', '503', NULL, '00'),
    ('SX', '1', '1', '011'),
    ('SY', '963', '0', '00'),
    ('SZ', '268', NULL, '00'),
    ('TA', '290', NULL, '00'),
    ('TC', '1', '1', '011'),
    ('TD', '235', NULL, '00'),
    ('TG', '228', NULL, '00'),
    ('TH', '66', '0', '001'),
    ('TJ', '992', NULL, '810'),
    ('TK', '690', NULL, '00'),
    ('TL', '670', NULL, '00'),
    ('TM', '993', '8', '810'),
    ('TN', '216', NULL, '00'),
    ('TO', '676', NULL, '00'),
    ('TR', '90', '0', '00'),
    ('TT', '1', '1', '011'),
    ('TV', '688', NULL, '00'),
    ('TW', '886', '0', '002'),
    ('TZ', '255', '0', '000'),
    ('UA', '380', '0', '00'),
    ('UG', '256', '0', '000'),
    ('US', '1', '1', '011'),
    ('UY', '598', '0', '00'),
    ('UZ', '998', NULL, '00'),
    ('VA', '39', NULL, '00'),
    ('VC', '1', '1', '011'),
    ('VE', '58', '0', '00'),
    ('VG', '1', '1', '011'),
    ('VI', '1', '1', '011'),
    ('VN', '84', '0', '00'),
    ('VU', '678', NULL, '00'),
    ('WF', '681', NULL, '00'),
    ('WS', '685', NULL, '0'),
    ('XK', '383', '0', '00'),
    ('YE', '967', '0', '00'),
    ('YT', '262', '0', '00'),
    ('ZA', '27', '0', '00'),
    ('ZM', '260', '0', '00'),
    ('ZW', '263', '0', '00');
-- dialing regions: end

CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
        -- A slug that reads like an id could name another organization.
        AND slug !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    timezone text NOT NULL DEFAULT 'UTC',
    region text NOT NULL DEFAULT 'US' REFERENCES dialing_regions (region),
    primary_language text NOT NULL DEFAULT 'en',
    secondary_languages text[] NOT NULL DEFAULT '{}',
    vapi_org_id text,
    -- Set for good by the first own credential: from then on the deployment's shared secret never serves this organization.
    has_own_credentials boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{}',
    limits jsonb NOT NULL DEFAULT '{}',
    retention jsonb NOT NULL DEFAULT '{}',  -- days, and bytes; absent: the deployment's, 0: for good
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE customer_configurations (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    vapi_assistant_id text,
    vapi_phone_number text,
    vapi_squad_id text,
    primary_language text NOT NULL DEFAULT 'en',
    secondary_languages text[] NOT NULL DEFAULT '{}',
    sms_preferences jsonb NOT NULL DEFAULT '{}',
    custom_config jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE agents (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    vapi_assistant_id text NOT NULL,
    name text NOT NULL DEFAULT '',
    role text NOT NULL DEFAULT '',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, vapi_assistant_id)
);

CREATE TABLE phone_numbers (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    provider_phone_id text,
    number text,
    sip_uri text,
    label text NOT NULL DEFAULT '',
    route jsonb,               -- {"assistant": id} | {"squad": id} | {"destination": number}
    fallback_assistant_id text,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE phone_number_mapping (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    inbound_phone_number text NOT NULL,
    vapi_phone_number_id text,
    clinic_name text NOT NULL DEFAULT '',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE credentials (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    label text NOT NULL,
    recipe jsonb NOT NULL,            -- scheme and its parameters, never the secret
    sealed_secret bytea NOT NULL,     -- nonce || ciphertext, associated data: organization and credential id
    sealing_key_id text NOT NULL,
    not_before timestamptz,
    not_after timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, label)
);

-- A call: what it is and where it stands. Of each column the value with the greatest key stays, whatever the order in
-- which messages come; `decided` holds the keys (see storage/src/ledger.rs).
CREATE TABLE call_logs (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id text NOT NULL,
    call_type text,
    status text NOT NULL DEFAULT 'unknown',
    status_rank smallint NOT NULL DEFAULT 0,   -- a late status never moves a call back
    vapi_assistant_id text,
    phone_number_id text,
    customer_number text,
    contact_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz,
    ended_at timestamptz,
    ended_reason text,
    sealed_control_url bytea,                  -- the sealing key's id, then the sealed URL; null once the call is over
    decided jsonb NOT NULL DEFAULT '{}',       -- column -> key; `erased` once the call was erased
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, vapi_call_id)
) WITH (fillfactor = 70);  -- most updates change no indexed column: room in the page spares every index a new entry
CREATE INDEX call_logs_by_time ON call_logs (organization_id, created_at);
CREATE INDEX call_logs_by_contact ON call_logs (organization_id, contact_id) WHERE contact_id IS NOT NULL;

-- The report at the end of a call. Erasing what was said is a DELETE.
CREATE TABLE call_reports (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id text NOT NULL,
    duration_ms bigint,
    cost double precision,
    transcript text,
    summary text,
    structured_data jsonb,
    success_evaluation text,
    recording_url text,
    stereo_recording_url text,
    decided jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, vapi_call_id)
);
-- Where the server knows LZ4, transcripts are compressed by it: several times faster, and about as small.
DO $$
BEGIN
    ALTER TABLE call_reports ALTER COLUMN transcript SET COMPRESSION lz4;
    ALTER TABLE call_reports ALTER COLUMN summary SET COMPRESSION lz4;
    ALTER TABLE call_reports ALTER COLUMN structured_data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;

CREATE TABLE call_pins (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id text NOT NULL,
    is_erased boolean NOT NULL DEFAULT false,  -- no message of the call is kept with its content any more
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, vapi_call_id)
);
CREATE INDEX call_pins_by_call ON call_pins (vapi_call_id);

CREATE TABLE webhook_events (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    vapi_call_id text,
    dedupe_key text NOT NULL,
    verdict text NOT NULL DEFAULT 'accepted',  -- accepted | conflict | inactive | drifted
    trace bytea NOT NULL,                      -- how the organization was found: JSON, packed by storage/src/trace.rs
    body bytea NOT NULL,                       -- redacted, then packed by storage/src/body.rs
    body_bytes integer NOT NULL,               -- length before compression
    answer jsonb,                              -- what was answered, for kinds the provider waits for
    request_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    deliveries integer NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, dedupe_key)
) WITH (toast_tuple_target = 8160);  -- rows of up to a page stay whole: trying to shrink them costs more than it gives
ALTER TABLE webhook_events ALTER COLUMN body SET STORAGE EXTERNAL;  -- bodies are compressed already
-- Ids sort by time, so that the primary key serves what is listed by time.
CREATE INDEX webhook_events_by_call ON webhook_events (organization_id, vapi_call_id);

CREATE TABLE tool_results (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key_hash bytea NOT NULL,          -- SHA-256 of call and tool-call id, of call, tool and arguments, or of signed bytes
    vapi_call_id text NOT NULL,
    tool_call_id text NOT NULL,
    tool text NOT NULL,
    succeeded boolean NOT NULL DEFAULT false,
    answer jsonb,                     -- {"result": text} or {"error": text}
    effect_id uuid,                   -- the appointment or contact that the call made
    undone_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, key_hash)
);
CREATE INDEX tool_results_by_call ON tool_results (organization_id, vapi_call_id);

-- How far an organization's data has been looked through for what is kept no longer, and how many bytes its messages take.
CREATE TABLE retention_marks (
    organization_id uuid PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    counted_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',  -- the last message that is counted
    stored_bytes bigint NOT NULL DEFAULT 0,
    reports_to timestamptz NOT NULL DEFAULT '-infinity'                       -- the last call whose words were cleared away
);

CREATE TABLE contacts (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL DEFAULT '',
    phone text,                       -- normalised; null never merges two callers
    email text,
    language text,
    do_not_call boolean NOT NULL DEFAULT false,
    last_call_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, phone)
);

CREATE TABLE appointments (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid,
    service text,
    resource_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',  -- nil: the organization itself
    seat smallint NOT NULL DEFAULT 0,                                           -- which of the resource's places
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    blocked_until timestamptz NOT NULL CHECK (blocked_until >= ends_at),        -- end with the service's buffer
    status text NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled', 'completed', 'no_show')),
    patient_name text NOT NULL DEFAULT '',
    patient_phone text,
    patient_email text,
    vapi_call_id text,
    tool_call_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    CONSTRAINT appointments_no_double_booking EXCLUDE USING gist
        (organization_id WITH =, resource_id WITH =, seat WITH =, tstzrange(starts_at, blocked_until) WITH &&)
        WHERE (status = 'booked')
);
CREATE INDEX appointments_by_start ON appointments (organization_id, starts_at);
CREATE INDEX appointments_by_phone ON appointments (organization_id, patient_phone) WHERE patient_phone IS NOT NULL;
CREATE INDEX appointments_by_contact ON appointments (organization_id, contact_id) WHERE contact_id IS NOT NULL;

CREATE TABLE services (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    minutes integer NOT NULL DEFAULT 30 CHECK (minutes BETWEEN 5 AND 480),
    buffer_minutes integer NOT NULL DEFAULT 0 CHECK (buffer_minutes BETWEEN 0 AND 240),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);

CREATE TABLE resources (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    capacity integer NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 1000),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);

CREATE TABLE opening_hours (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),   -- 1 = Monday
    opens text NOT NULL CHECK (opens ~ '^[0-2][0-9]:[0-5][0-9]$'),
    closes text NOT NULL CHECK (closes ~ '^[0-2][0-9]:[0-5][0-9]$'),  -- 24:00 is midnight at the end of the day
    PRIMARY KEY (organization_id, id),
    CHECK (closes > opens)
);
CREATE INDEX opening_hours_by_day ON opening_hours (organization_id, weekday);

CREATE TABLE closures (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    from_date text NOT NULL,   -- YYYY-MM-DD in the organization's time zone
    to_date text NOT NULL,     -- inclusive
    reason text,
    PRIMARY KEY (organization_id, id),
    CHECK (to_date >= from_date)
);
CREATE INDEX closures_by_date ON closures (organization_id, to_date);

CREATE TABLE transfer_destinations (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    department text NOT NULL,
    number text,
    sip_uri text,
    opening_hours jsonb,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, department)
);

CREATE TABLE knowledge_documents (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    path text NOT NULL,
    title text NOT NULL DEFAULT '',
    content text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, path)
);

CREATE TABLE security_log (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    event text NOT NULL,               -- conflict | inactive | pin_against_mapping
    detail jsonb NOT NULL DEFAULT '{}',
    vapi_call_id text,
    request_id text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX security_log_by_time ON security_log (organization_id, created_at);

-- Deployment tables: no organization owns their rows, and gateway_app cannot read them.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_by_time ON audit_log (created_at);

CREATE TABLE quarantine (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    vapi_call_id text,
    dedupe_key text NOT NULL,   -- the inbox's key, made of the body as it arrived: the redacted one could give another
    identifiers jsonb NOT NULL DEFAULT '[]',
    body bytea NOT NULL,               -- redacted, then packed by storage/src/body.rs
    body_bytes integer NOT NULL,
    stored_bytes integer NOT NULL,     -- everything of the row that a sender chose
    request_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);  -- gateway_app may only call quarantine_message(...) and trim_quarantine(), and chooses no bounds
CREATE INDEX quarantine_by_time ON quarantine (received_at, id) INCLUDE (stored_bytes);

-- Messages that were refused, counted: at most 10,000 rows. gateway_app may only call count_refusals(...).
CREATE TABLE refusals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 80),
    step text NOT NULL CHECK (length(step) <= 80),
    identifier text NOT NULL CHECK (identifier ~ '^[A-Za-z0-9+:@._-]{0,80}$'),
    organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,  -- claimed, and not proven
    count bigint NOT NULL CHECK (count > 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX refusals_one_row ON refusals (reason, step, identifier, organization_id) NULLS NOT DISTINCT;
CREATE INDEX refusals_by_time ON refusals (last_at);
CREATE INDEX refusals_by_organization ON refusals (organization_id);

-- What is true of the deployment as a whole. `canary`: a word that the master key has sealed, packed by storage/src/seal.rs.
-- `quarantine`: its bounds, as JSON. gateway_app cannot read it.
CREATE TABLE deployment (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- The one lookup table. Maintained by triggers on the mapping tables; gateway_app has no rights on it.
CREATE TABLE identifiers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('assistant_id', 'phone_number_id', 'phone_number', 'squad_id', 'organization')),
    value text NOT NULL CHECK (length(value) BETWEEN 1 AND 512),
    organization_id uuid REFERENCES organizations (id),  -- null: it has been removed, and this part of the past is nobody's
    is_active boolean NOT NULL DEFAULT true,
    valid_from timestamptz NOT NULL,  -- '-infinity' for the first owner
    valid_to timestamptz,             -- null: open
    CHECK (valid_to > valid_from),
    CHECK (organization_id IS NOT NULL OR valid_to IS NOT NULL)
);
CREATE UNIQUE INDEX identifiers_one_open_owner ON identifiers (kind, value) WHERE valid_to IS NULL;
CREATE INDEX identifiers_by_value ON identifiers (kind, value, valid_from);
CREATE INDEX identifiers_by_organization ON identifiers (organization_id);

-- Which mapping row names which identifier, in normal form. Only the triggers below write it: with it, one changed
-- row costs the same in an organization with two assistants and in one with ten thousand.
CREATE TABLE identifier_sources (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    source text NOT NULL,             -- the mapping table
    source_id uuid NOT NULL,          -- its row
    kind text NOT NULL,
    value text NOT NULL,
    is_active boolean NOT NULL,
    PRIMARY KEY (organization_id, source, source_id, kind, value)
);
CREATE INDEX identifier_sources_by_value ON identifier_sources (value, kind);

-- Assistants and their organizations, as of now.
CREATE VIEW assistant_org_mapping WITH (security_invoker = true) AS
    SELECT value AS assistant_id, organization_id
    FROM identifiers
    WHERE kind = 'assistant_id' AND valid_to IS NULL AND is_active;

-- ---------------------------------------------------------------------------------------------------------------
-- Tables in parts (docs/scaling.md)
-- ---------------------------------------------------------------------------------------------------------------

-- `SET gateway.partitions = 'N'` before this migration makes the tables that grow with every call hash-partitioned. Nobody
-- else can tell: names, keys, indexes, triggers and policies are those of the whole tables, and all rows of an organization
-- are in one part. Only pins are found by their call, and are divided by it. Appointments stay whole: before version 17 no
-- partitioned table has the constraint that keeps a place from being booked twice.
DO $$
DECLARE
    parts constant integer := coalesce(nullif(current_setting('gateway.partitions', true), ''), '1')::integer;
    big record;
    rule text;
BEGIN
    IF parts = 1 THEN
        RETURN;
    END IF;
    FOR big IN
        SELECT c.relname AS name, coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options,
               CASE c.relname WHEN 'call_pins' THEN 'vapi_call_id' ELSE 'organization_id' END AS key,
               ARRAY(SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
                     FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f'))
               || ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
                        WHERE i.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)) AS rules
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
          AND c.relname IN ('call_logs', 'call_reports', 'call_pins', 'webhook_events', 'tool_results', 'contacts', 'security_log')
    LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO whole', big.name);
        EXECUTE format('CREATE TABLE %I (LIKE whole INCLUDING ALL EXCLUDING INDEXES) PARTITION BY HASH (%I)', big.name, big.key);
        DROP TABLE whole;
        FOREACH rule IN ARRAY big.rules LOOP
            EXECUTE rule;
        END LOOP;
        FOR n IN 0 .. parts - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s) %s',
                big.name || '_' || n, big.name, parts, n, big.options);
        END LOOP;
    END LOOP;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Normal forms (migrations/README.md)
-- ---------------------------------------------------------------------------------------------------------------

-- The value without white space around it; null for an empty value and for the wildcard.
CREATE FUNCTION normalise_id(raw text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT nullif(nullif(btrim(raw,
        E'\u0009\u000A\u000B\u000C\u000D\u0020\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000'),
        ''), '*')
$$;

-- A number as + and digits, a SIP URI in lower case, null for no value; raises for anything else.
CREATE FUNCTION normalise_phone(raw text, region text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    trimmed text := normalise_id(raw);
    bare text;
    rules dialing_regions%ROWTYPE;
    digits text;
BEGIN
    IF trimmed IS NULL THEN
        RETURN NULL;
    END IF;
    IF trimmed ~* '^sips?:\S+$' THEN
        -- The C collation changes ASCII letters only, as the other implementations do.
        RETURN lower(trimmed COLLATE "C");
    END IF;
    bare := translate(trimmed, E' \u00A0-\u2010\u2011\u2012\u2013\u2014\u2015()[]./', '');
    IF bare ~ '^\+[0-9]+$' THEN
        digits := substr(bare, 2);
    ELSIF bare ~ '^[0-9]+$' THEN
        SELECT * INTO rules FROM dialing_regions d WHERE d.region = normalise_phone.region;
        IF starts_with(bare, rules.international_prefix) THEN
            digits := substr(bare, length(rules.international_prefix) + 1);
        ELSIF rules.calling_code = '1' THEN
            digits := CASE
                WHEN length(bare) = 10 THEN '1' || bare
                WHEN length(bare) = 11 AND starts_with(bare, '1') THEN bare
            END;
        ELSIF starts_with(bare, rules.trunk_prefix) THEN
            digits := rules.calling_code || substr(bare, length(rules.trunk_prefix) + 1);
        ELSE
            digits := rules.calling_code || bare;
        END IF;
    END IF;
    IF digits IS NULL OR length(digits) NOT BETWEEN 7 AND 15 THEN
        RAISE EXCEPTION 'GW002: "%" is not a phone number of region %', left(raw, 100), region
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN '+' || digits;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Identifiers: kept by triggers, so that hand-written SQL takes effect like any other
-- ---------------------------------------------------------------------------------------------------------------

-- Makes the open row of one identifier fit what one organization's mapping rows say about it now.
--
-- Sessions that name the same value take turns at its open row, or at the unique index where there is none yet. Advisory
-- locks would do too, but a transaction that brings in ten thousand organizations would run out of them. Sequential scans
-- are off in here because a plan made while the tables were small would stay for the rest of a long session.
CREATE FUNCTION reconcile_identifier(organization uuid, wanted_kind text, wanted_value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    wanted boolean;          -- null: no row names it; else whether an active row does
    held identifiers%ROWTYPE;
    since timestamptz;
BEGIN
    LOOP
        SELECT * INTO held FROM identifiers i
        WHERE i.kind = wanted_kind AND i.value = wanted_value AND i.valid_to IS NULL FOR UPDATE;
        -- NOT DISTINCT cannot use the primary key, whose first column would read all rows of a big organization.
        SELECT bool_or(s.is_active) INTO wanted FROM identifier_sources s
        WHERE s.value = wanted_value AND s.kind = wanted_kind AND s.organization_id IS NOT DISTINCT FROM organization;

        IF held.organization_id = organization AND wanted IS NOT NULL THEN
            UPDATE identifiers SET is_active = wanted WHERE id = held.id AND is_active <> wanted;
            RETURN;
        END IF;
        IF held.organization_id <> organization THEN
            -- An inactive mapping neither clashes with the owner nor takes the identifier from it.
            IF wanted IS NOT TRUE THEN
                RETURN;
            END IF;
            IF held.is_active THEN
                RAISE EXCEPTION 'GW001: % "%" already belongs to organization %', wanted_kind, wanted_value, held.organization_id
                    USING ERRCODE = 'unique_violation', TABLE = 'identifiers', CONSTRAINT = 'identifiers_one_open_owner';
            END IF;
        END IF;

        -- The held one is no longer named, or gives way to an active mapping. A row that would have lasted no time goes.
        IF held.id IS NOT NULL THEN
            DELETE FROM identifiers WHERE id = held.id AND valid_from >= now();
            UPDATE identifiers SET valid_to = now() WHERE id = held.id;
        END IF;
        IF wanted IS NULL THEN
            RETURN;
        END IF;

        -- The first owner ever has it from the beginning; a later one from now, and never from before the last one's
        -- end (a transaction that began earlier may commit later).
        SELECT greatest(now(), max(i.valid_to)) INTO since FROM identifiers i
        WHERE i.kind = wanted_kind AND i.value = wanted_value HAVING count(*) > 0;
        INSERT INTO identifiers (kind, value, organization_id, is_active, valid_from)
        VALUES (wanted_kind, wanted_value, organization, wanted, coalesce(since, '-infinity'))
        ON CONFLICT (kind, value) WHERE valid_to IS NULL DO NOTHING;
        EXIT WHEN FOUND;  -- Else another session was first: look again at what it left.
    END LOOP;
END
$$;

CREATE FUNCTION refuse_long_identifier(kind text, value text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'GW003: % "%..." is longer than 512 characters', kind, left(value, 40)
        USING ERRCODE = 'string_data_right_truncation';
END
$$;

-- What rows of a mapping table name now, in normal form; null names nothing. Rows that are gone name nothing either.
CREATE FUNCTION names_of(mapping_table text, owners uuid[], row_ids uuid[])
RETURNS TABLE (organization_id uuid, source_id uuid, is_active boolean, kind text, value text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    CASE mapping_table
    WHEN 'organizations' THEN
        -- By id and slug, always actively: an inactive organization is found, and then refused.
        RETURN QUERY SELECT o.id, o.id, true, 'organization', n.value
        FROM unnest(row_ids) AS k (id), LATERAL (SELECT * FROM organizations o WHERE o.id = k.id OFFSET 0) AS o,
        LATERAL (VALUES (o.id::text), (o.slug)) AS n (value);
    WHEN 'agents' THEN
        RETURN QUERY SELECT r.organization_id, r.id, r.is_active, 'assistant_id', normalise_id(r.vapi_assistant_id)
        FROM unnest(owners, row_ids) AS k (owner, id),
        LATERAL (SELECT * FROM agents r WHERE r.organization_id = k.owner AND r.id = k.id OFFSET 0) AS r;
    WHEN 'customer_configurations' THEN
        RETURN QUERY SELECT r.organization_id, r.id, r.is_active, n.kind, n.value
        FROM unnest(owners, row_ids) AS k (owner, id),
        LATERAL (SELECT * FROM customer_configurations r WHERE r.organization_id = k.owner AND r.id = k.id OFFSET 0) AS r,
        LATERAL (SELECT * FROM organizations o WHERE o.id = k.owner OFFSET 0) AS o,
        LATERAL (VALUES ('assistant_id', normalise_id(r.vapi_assistant_id)),
                        ('phone_number', normalise_phone(r.vapi_phone_number, o.region)),
                        ('squad_id', normalise_id(r.vapi_squad_id))) AS n (kind, value);
    WHEN 'phone_numbers' THEN
        RETURN QUERY SELECT r.organization_id, r.id, r.is_active, n.kind, n.value
        FROM unnest(owners, row_ids) AS k (owner, id),
        LATERAL (SELECT * FROM phone_numbers r WHERE r.organization_id = k.owner AND r.id = k.id OFFSET 0) AS r,
        LATERAL (SELECT * FROM organizations o WHERE o.id = k.owner OFFSET 0) AS o,
        LATERAL (VALUES ('phone_number_id', normalise_id(r.provider_phone_id)),
                        ('phone_number', normalise_phone(r.number, o.region)),
                        ('phone_number', normalise_phone(r.sip_uri, o.region))) AS n (kind, value);
    WHEN 'phone_number_mapping' THEN
        RETURN QUERY SELECT r.organization_id, r.id, r.is_active, n.kind, n.value
        FROM unnest(owners, row_ids) AS k (owner, id),
        LATERAL (SELECT * FROM phone_number_mapping r WHERE r.organization_id = k.owner AND r.id = k.id OFFSET 0) AS r,
        LATERAL (SELECT * FROM organizations o WHERE o.id = k.owner OFFSET 0) AS o,
        LATERAL (VALUES ('phone_number', normalise_phone(r.inbound_phone_number, o.region)),
                        ('phone_number_id', normalise_id(r.vapi_phone_number_id))) AS n (kind, value);
    END CASE;
END
$$;

-- Records what rows of a mapping table name now, and reconciles what that changes: as many rows as a statement changed, by
-- a few statements. Identifiers that were never anybody's are put in at once; the others are reconciled one by one. A
-- plan of these outlives the emptiness of the tables that it was made for: what must be looked up row by row by an index is
-- a LATERAL that cannot be turned around.
CREATE FUNCTION sync_identifiers(mapping_table text, owners uuid[], row_ids uuid[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    whose uuid[];        -- What changed: whose identifiers, of which kind, their values,
    kinds text[];
    named text[];
    is_named boolean[];  -- and whether a row names it now that did not, or not so; else one no longer does.
    changed record;
BEGIN
    -- The identifiers of an organization that is being deleted have ended already.
    IF NOT EXISTS (SELECT FROM organizations o WHERE o.id = ANY (owners)) THEN
        RETURN;
    END IF;
    WITH keys AS MATERIALIZED (
        SELECT DISTINCT k.owner, k.id FROM unnest(owners, row_ids) AS k (owner, id)
        WHERE (SELECT o.id FROM organizations o WHERE o.id = k.owner) IS NOT NULL
    ), wanted AS MATERIALIZED (
        SELECT DISTINCT n.organization_id, n.source_id, n.is_active, n.kind, n.value
        FROM names_of(mapping_table, owners, row_ids) AS n WHERE n.value IS NOT NULL
    ), known AS MATERIALIZED (
        SELECT s.organization_id, s.source_id, s.kind, s.value FROM keys, LATERAL (
            SELECT * FROM identifier_sources s
            WHERE s.organization_id = keys.owner AND s.source = mapping_table AND s.source_id = keys.id OFFSET 0) AS s
    ), gone AS (
        DELETE FROM identifier_sources s
        USING (SELECT * FROM known
               EXCEPT SELECT w.organization_id, w.source_id, w.kind, w.value FROM wanted w) AS g
        WHERE s.organization_id = g.organization_id AND s.source = mapping_table AND s.source_id = g.source_id
          AND s.kind = g.kind AND s.value = g.value
        RETURNING s.organization_id, s.kind, s.value
    ), put AS (
        INSERT INTO identifier_sources AS s (organization_id, source, source_id, kind, value, is_active)
        SELECT w.organization_id, mapping_table, w.source_id, w.kind,
               -- An error of its own, before an index or a check says less.
               CASE WHEN length(w.value) <= 512 THEN w.value ELSE refuse_long_identifier(w.kind, w.value) END, w.is_active
        FROM wanted w
        ON CONFLICT (organization_id, source, source_id, kind, value)
            DO UPDATE SET is_active = excluded.is_active WHERE s.is_active <> excluded.is_active
        RETURNING s.organization_id, s.kind, s.value
    )
    SELECT array_agg(c.organization_id), array_agg(c.kind), array_agg(c.value), array_agg(c.is_named)
    INTO whose, kinds, named, is_named
    FROM (SELECT a.organization_id, a.kind, a.value, bool_or(a.is_put) AS is_named
          FROM (SELECT *, false AS is_put FROM gone UNION ALL SELECT *, true FROM put) AS a
          GROUP BY a.organization_id, a.kind, a.value) AS c;

    -- In one order everywhere, so that two statements with the same two values cannot lock each other out. What is no longer
    -- named comes before what is, so that a row may take what another one of the same statement gives up.
    FOR changed IN
        WITH said AS MATERIALIZED (
            SELECT * FROM unnest(whose, kinds, named, is_named) AS c (organization_id, kind, value, is_named)
        ), sole AS (
            SELECT c.kind, c.value, min(c.organization_id::text)::uuid AS owner FROM said c
            GROUP BY c.kind, c.value HAVING count(*) = 1 AND bool_and(c.is_named)
        ), put AS (
            INSERT INTO identifiers (kind, value, organization_id, is_active, valid_from)
            SELECT n.kind, n.value, n.owner, rows.is_active, '-infinity'
            FROM sole n, LATERAL (
                -- NOT DISTINCT cannot use the primary key, whose first column would read all rows of a big organization.
                SELECT bool_or(s.is_active) AS is_active FROM identifier_sources s
                WHERE s.value = n.value AND s.kind = n.kind AND s.organization_id IS NOT DISTINCT FROM n.owner) AS rows
            WHERE rows.is_active IS NOT NULL
              AND (SELECT i.id FROM identifiers i WHERE i.kind = n.kind AND i.value = n.value LIMIT 1) IS NULL
            ORDER BY n.kind, n.value
            ON CONFLICT (kind, value) WHERE valid_to IS NULL DO NOTHING
            RETURNING kind, value, organization_id
        )
        SELECT * FROM said EXCEPT SELECT p.organization_id, p.kind, p.value, true FROM put p
        ORDER BY kind, value, is_named, organization_id
    LOOP
        PERFORM reconcile_identifier(changed.organization_id, changed.kind, changed.value);
    END LOOP;
END
$$;

-- The triggers of the four mapping tables. A row that is gone, or moved to another organization, names nothing. A name is of
-- type name, whose collation would be that of every variable of the functions above, and fit no index.
CREATE FUNCTION mapping_rows_came_or_went() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM sync_identifiers(TG_TABLE_NAME COLLATE "default", array_agg(c.organization_id), array_agg(c.id))
    FROM changed c HAVING count(*) > 0;
    RETURN NULL;
END
$$;
CREATE FUNCTION mapping_row_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM sync_identifiers(TG_TABLE_NAME COLLATE "default",
        ARRAY[OLD.organization_id, NEW.organization_id], ARRAY[OLD.id, NEW.id]);
    RETURN NULL;
END
$$;
DO $$
DECLARE
    mapping record;
BEGIN
    FOR mapping IN VALUES ('customer_configurations', 'vapi_assistant_id, vapi_phone_number, vapi_squad_id'),
                          ('agents', 'vapi_assistant_id'),
                          ('phone_numbers', 'provider_phone_id, number, sip_uri'),
                          ('phone_number_mapping', 'inbound_phone_number, vapi_phone_number_id') LOOP
        EXECUTE format('CREATE TRIGGER identifiers_follow_insert AFTER INSERT ON %I
            REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mapping_rows_came_or_went()', mapping.column1);
        EXECUTE format('CREATE TRIGGER identifiers_follow_delete AFTER DELETE ON %I
            REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mapping_rows_came_or_went()', mapping.column1);
        EXECUTE format('CREATE TRIGGER identifiers_follow AFTER UPDATE OF organization_id, id, is_active, %s ON %I
            FOR EACH ROW EXECUTE FUNCTION mapping_row_changed()', mapping.column2, mapping.column1);
    END LOOP;
END
$$;

-- An organization names itself.
CREATE FUNCTION organizations_came() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM sync_identifiers('organizations', array_agg(c.id), array_agg(c.id)) FROM changed c HAVING count(*) > 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER identifiers_follow_insert AFTER INSERT ON organizations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION organizations_came();
CREATE FUNCTION organization_renamed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM sync_identifiers('organizations', ARRAY[OLD.id, NEW.id], ARRAY[OLD.id, NEW.id]);
    RETURN NULL;
END
$$;
CREATE TRIGGER identifiers_follow AFTER UPDATE OF id, slug
    ON organizations FOR EACH ROW EXECUTE FUNCTION organization_renamed();

-- The identifiers of an organization that is removed end, and their past stays: a late report of one of its calls must not go to
-- whoever has the number next.
CREATE FUNCTION organization_leaves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM identifiers WHERE organization_id = OLD.id AND valid_to IS NULL AND valid_from >= now();
    UPDATE identifiers SET organization_id = NULL, valid_to = coalesce(valid_to, now()) WHERE organization_id = OLD.id;
    RETURN OLD;
END
$$;
CREATE TRIGGER identifiers_lose_their_owner BEFORE DELETE
    ON organizations FOR EACH ROW EXECUTE FUNCTION organization_leaves();

-- National numbers mean something else in another region.
CREATE FUNCTION organization_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM sync_identifiers(of_table.name, array_agg(of_table.organization_id), array_agg(of_table.id))
    FROM (SELECT 'customer_configurations' AS name, organization_id, id FROM customer_configurations
          UNION ALL SELECT 'phone_numbers', organization_id, id FROM phone_numbers
          UNION ALL SELECT 'phone_number_mapping', organization_id, id FROM phone_number_mapping) AS of_table
    WHERE of_table.organization_id = NEW.id GROUP BY of_table.name;
    RETURN NULL;
END
$$;
CREATE TRIGGER numbers_follow_region AFTER UPDATE OF region
    ON organizations FOR EACH ROW WHEN (OLD.region IS DISTINCT FROM NEW.region) EXECUTE FUNCTION organization_moved();

-- ---------------------------------------------------------------------------------------------------------------
-- Credentials
-- ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION own_credentials_are_for_good() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'GW004: organization % has had credentials of its own, so the shared secret cannot serve it again', OLD.id
        USING ERRCODE = 'check_violation', TABLE = 'organizations', COLUMN = 'has_own_credentials';
END
$$;
CREATE TRIGGER own_credentials_are_for_good BEFORE UPDATE OF has_own_credentials
    ON organizations FOR EACH ROW WHEN (OLD.has_own_credentials AND NOT NEW.has_own_credentials)
    EXECUTE FUNCTION own_credentials_are_for_good();

-- At most five credentials that have not expired; the organization's row is the lock. The row with the same label is not
-- counted, because an upsert by label replaces it.
CREATE FUNCTION credentials_stay_few() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.not_after <= now() THEN
        RETURN NEW;
    END IF;
    PERFORM FROM organizations WHERE id = NEW.organization_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM credentials c
        WHERE c.organization_id = NEW.organization_id AND c.id <> NEW.id AND c.label <> NEW.label
          AND (c.not_after IS NULL OR c.not_after > now())) >= 5 THEN
        RAISE EXCEPTION 'GW005: organization % already has 5 active credentials: retire one first', NEW.organization_id
            USING ERRCODE = 'check_violation', TABLE = 'credentials', CONSTRAINT = 'credentials_at_most_five_active';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER credentials_stay_few BEFORE INSERT OR UPDATE OF organization_id, id, not_after
    ON credentials FOR EACH ROW EXECUTE FUNCTION credentials_stay_few();

CREATE FUNCTION credential_is_own() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE organizations SET has_own_credentials = true WHERE id = NEW.organization_id AND NOT has_own_credentials;
    RETURN NULL;
END
$$;
CREATE TRIGGER credential_is_own AFTER INSERT OR UPDATE OF organization_id
    ON credentials FOR EACH ROW EXECUTE FUNCTION credential_is_own();

-- Notes that a credential of the current scope's organization has just admitted a message, at most once a minute.
CREATE FUNCTION touch_credential(credential uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE credentials SET last_used_at = now()
    WHERE organization_id = nullif(current_setting('app.organization_id', true), '')::uuid AND id = credential
      AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Calls and quarantine
-- ---------------------------------------------------------------------------------------------------------------

-- A call in the ledger is pinned to its organization.
CREATE FUNCTION call_is_pinned() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO call_pins (organization_id, vapi_call_id) VALUES (NEW.organization_id, NEW.vapi_call_id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
-- The writer pins by itself: the trigger runs when the last row has entered its organization, and the policies would refuse
-- the others.
CREATE TRIGGER call_is_pinned AFTER INSERT OR UPDATE OF vapi_call_id
    ON call_logs FOR EACH ROW WHEN (current_setting('app.writer_pins', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION call_is_pinned();

-- An update that changes nothing writes nothing.
CREATE TRIGGER same_row_stays BEFORE UPDATE ON call_logs
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TRIGGER same_row_stays BEFORE UPDATE ON call_reports
    FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- The organization's contact with this number. It enters the organization for its own statement, with the rights of its
-- caller, so that one read is one round trip.
CREATE FUNCTION find_contact(organization uuid, number text) RETURNS SETOF contacts
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('app.organization_id', organization::text, true);
    RETURN QUERY SELECT * FROM contacts c WHERE c.organization_id = organization AND c.phone = number;
END
$$;

-- What the organization declared of itself, as one document of the rows: reading them is one round trip. It enters the
-- organization for its own statement, with the rights of its caller. Null where there is no such organization.
CREATE FUNCTION read_tenant(organization uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('app.organization_id', organization::text, true);
    -- By what they are known; where two rows may say the same, the one that was there first counts.
    RETURN (SELECT json_build_object(
        'organization', o,
        'agents', ARRAY(SELECT r FROM agents r WHERE r.organization_id = o.id ORDER BY r.vapi_assistant_id, r.id),
        'numbers', ARRAY(SELECT r FROM phone_numbers r WHERE r.organization_id = o.id ORDER BY r.created_at, r.id),
        'hours', ARRAY(SELECT r FROM opening_hours r WHERE r.organization_id = o.id ORDER BY r.weekday, r.opens),
        'closures', ARRAY(SELECT r FROM closures r WHERE r.organization_id = o.id ORDER BY r.from_date, r.to_date, r.id),
        'services', ARRAY(SELECT r FROM services r WHERE r.organization_id = o.id ORDER BY r.name, r.id),
        'resources', ARRAY(SELECT r FROM resources r WHERE r.organization_id = o.id ORDER BY r.name, r.id),
        'transfers', ARRAY(SELECT r FROM transfer_destinations r WHERE r.organization_id = o.id ORDER BY r.department, r.id))
        FROM organizations o WHERE o.id = organization);
END
$$;

-- Reserves the key of a tool call in the current organization. Gives the row of one that has its answer, else null: it never
-- ran, or ended before it was answered. A transaction elsewhere that holds the key is waited for.
CREATE FUNCTION reserve_tool_result(
    organization uuid, key bytea, call text, tool_call text, tool_name text, moment timestamptz
) RETURNS tool_results
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    held tool_results%ROWTYPE;
BEGIN
    INSERT INTO tool_results (organization_id, key_hash, vapi_call_id, tool_call_id, tool, created_at)
    VALUES (organization, key, call, tool_call, tool_name, moment)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT held FROM tool_results r
    WHERE r.organization_id = organization AND r.key_hash = key FOR UPDATE;
    IF held.answer IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN held;
END
$$;

-- Books an appointment in one statement and one transaction, with the rights of its caller: both keys of the tool call, the
-- contact, the first place that is free, and the answer under the keys. Gives {"state": "made" | "before" | "fulfilled" |
-- "taken"}, for the middle two with the answer that was given then. Rows are locked in the order in which scopes do it.
CREATE FUNCTION book_appointment(
    organization uuid, moment timestamptz, call_key bytea, effect_key bytea, call text, tool_call text, tool_name text,
    new_contact uuid, number text, caller_name text, caller_email text, last_call timestamptz,
    appointment uuid, service_name text, resources uuid[], seats smallint[], starts timestamptz, ends timestamptz,
    blocked timestamptz, success jsonb
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    held tool_results%ROWTYPE;
    contact uuid;
    place record;
BEGIN
    PERFORM set_config('app.organization_id', organization::text, true);
    held := reserve_tool_result(organization, call_key, call, tool_call, tool_name, moment);
    IF held.answer IS NOT NULL THEN
        RETURN jsonb_build_object('state', 'before', 'answer', held.answer, 'succeeded', held.succeeded,
                                  'effect', held.effect_id);
    END IF;
    IF effect_key IS NOT NULL THEN
        held := reserve_tool_result(organization, effect_key, call, tool_call, tool_name, moment);
        IF held.answer IS NOT NULL AND held.succeeded AND held.undone_at IS NULL THEN
            UPDATE tool_results r SET answer = held.answer, succeeded = true, effect_id = held.effect_id, undone_at = NULL
            WHERE r.organization_id = organization AND r.key_hash = call_key;
            RETURN jsonb_build_object('state', 'fulfilled', 'answer', held.answer, 'effect', held.effect_id);
        END IF;
    END IF;
    -- Nobody becomes a contact by a wish for a place that is taken.
    PERFORM FROM unnest(resources, seats) AS wished (resource, seat)
    WHERE NOT EXISTS (SELECT FROM appointments a
                      WHERE a.organization_id = organization AND a.resource_id = wished.resource AND a.seat = wished.seat
                        AND a.status = 'booked' AND tstzrange(a.starts_at, a.blocked_until) && tstzrange(starts, blocked));
    IF NOT FOUND THEN
        RETURN jsonb_build_object('state', 'taken');
    END IF;
    -- An insert that loses to another transaction's has waited for it, and then the row is there to be filled.
    FOR attempt IN 1..2 LOOP
        SELECT c.id INTO contact FROM contacts c WHERE c.organization_id = organization AND c.phone = number FOR UPDATE;
        IF FOUND THEN
            UPDATE contacts c SET
                name = CASE WHEN c.name ~ '\S' THEN c.name ELSE coalesce(caller_name, c.name) END,
                email = CASE WHEN c.email ~ '\S' THEN c.email ELSE coalesce(caller_email, c.email) END,
                last_call_at = greatest(c.last_call_at, last_call)
            WHERE c.organization_id = organization AND c.id = contact;
            EXIT;
        END IF;
        INSERT INTO contacts (organization_id, id, name, phone, email, last_call_at, created_at, updated_at)
        VALUES (organization, new_contact, coalesce(caller_name, ''), number, caller_email, last_call, moment, moment)
        ON CONFLICT DO NOTHING
        RETURNING id INTO contact;
        EXIT WHEN FOUND;
    END LOOP;
    FOR place IN SELECT * FROM unnest(resources, seats) AS wished (resource, seat) LOOP
        -- The exclusion constraint is a conflict like any other: another transaction that books the place is waited for.
        INSERT INTO appointments (organization_id, id, contact_id, service, resource_id, seat, starts_at, ends_at,
                                  blocked_until, patient_name, patient_phone, patient_email, vapi_call_id, tool_call_id,
                                  created_at)
        VALUES (organization, appointment, contact, service_name, place.resource, place.seat, starts, ends, blocked,
                coalesce(caller_name, ''), number, caller_email, nullif(call, ''), nullif(tool_call, ''), moment)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            UPDATE tool_results r SET answer = success, succeeded = true, effect_id = appointment, undone_at = NULL
            WHERE r.organization_id = organization AND r.key_hash IN (call_key, effect_key);
            RETURN jsonb_build_object('state', 'made');
        END IF;
    END LOOP;
    RETURN jsonb_build_object('state', 'taken');
END
$$;

-- Whether an organization other than the current scope's has pinned this call; false outside a scope.
CREATE FUNCTION pinned_by_others(call_id text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM call_pins
                   WHERE vapi_call_id = call_id
                     AND organization_id <> nullif(current_setting('app.organization_id', true), '')::uuid)
$$;

-- The bounds of the quarantine: messages, bytes, age and messages of one identifier. `serve` stores them over the directory's
-- role; without them its defaults hold.
CREATE FUNCTION quarantine_bounds(
    OUT max_messages bigint, OUT max_bytes bigint, OUT max_age interval, OUT max_of_identifier bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((b.bounds ->> 'max_messages')::bigint, 10000), coalesce((b.bounds ->> 'max_bytes')::bigint, 268435456),
           make_interval(hours => least(coalesce((b.bounds ->> 'max_age_hours')::bigint, 168), 876000)::integer), 100
    FROM (SELECT (SELECT convert_from(value, 'UTF8')::jsonb FROM deployment WHERE name = 'quarantine') AS bounds) b
$$;

-- Keeps a message that only the shared secret verified. False where it alone is over a bound, or the table over its bounds by
-- so much more that trim_quarantine has to come first: what arrives between two trimmings fits into a quarter.
CREATE FUNCTION quarantine_message(
    message_kind text, call_id text, message_key text, claims jsonb, stored bytea, original_bytes integer, request text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bounds record;
    held record;
    own bigint := octet_length(stored) + octet_length(claims::text) + octet_length(message_kind)
        + coalesce(octet_length(call_id), 0) + octet_length(message_key) + octet_length(request);
BEGIN
    SELECT * INTO bounds FROM quarantine_bounds();
    SELECT count(*) AS messages, coalesce(sum(stored_bytes), 0) AS bytes INTO held FROM quarantine;
    IF bounds.max_messages < 1 OR own > bounds.max_bytes
       OR held.messages >= bounds.max_messages + bounds.max_messages / 4 + 100
       OR held.bytes + own > bounds.max_bytes + bounds.max_bytes / 4 + 16777216 THEN
        RETURN false;
    END IF;
    INSERT INTO quarantine (kind, vapi_call_id, dedupe_key, identifiers, body, body_bytes, stored_bytes, request_id)
    VALUES (message_kind, call_id, message_key, claims, stored, original_bytes, own, request);
    RETURN true;
END
$$;

-- Removes what stands beyond the bounds, the oldest first; of each identifier, too. Gives how many messages went: 1000 at most,
-- so that each step is short. One at a time.
CREATE FUNCTION trim_quarantine() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bounds record;
    removed bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('vapi-gateway quarantine', 0)) THEN
        RETURN 0;
    END IF;
    SELECT * INTO bounds FROM quarantine_bounds();
    WITH named AS (
        SELECT o.id, row_number() OVER (PARTITION BY n.step, n.value ORDER BY o.received_at DESC, o.id DESC) AS position
        FROM quarantine o LEFT JOIN LATERAL (
            SELECT DISTINCT one ->> 'step' AS step, one ->> 'value' AS value
            FROM jsonb_path_query(o.identifiers, '$[*]') one
        ) n ON true
    ), crowded AS (
        SELECT DISTINCT id FROM named WHERE position > bounds.max_of_identifier
    ), ranked AS (
        SELECT o.id, o.received_at, row_number() OVER newest_first AS position,
               sum(o.stored_bytes) OVER newest_first AS bytes
        FROM quarantine o
        WHERE NOT EXISTS (SELECT FROM crowded c WHERE c.id = o.id)
        WINDOW newest_first AS (ORDER BY o.received_at DESC, o.id DESC ROWS UNBOUNDED PRECEDING)
    ), beyond AS (
        SELECT id FROM crowded
        UNION ALL
        SELECT id FROM ranked
        WHERE position > bounds.max_messages OR bytes > bounds.max_bytes OR received_at < now() - bounds.max_age
        LIMIT 1000
    )
    DELETE FROM quarantine q USING beyond b WHERE q.id = b.id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;

-- The lowest of the ids that were made at an instant.
CREATE FUNCTION first_id_at(instant timestamptz) RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM instant) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

-- Clears away what an organization keeps no longer, at most `step` rows of each kind, with the rights of the caller and under the
-- ordinary policies. Days and bytes of 0 are without end. Gives how many rows it worked on, and how
-- many of them it cleared away; nothing while another session is at it. Where nothing is due it writes nothing.
CREATE FUNCTION clear_away(
    organization uuid, bodies_days integer, transcripts_days integer, calls_days integer, most_bytes bigint, step integer
) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mark retention_marks%ROWTYPE;
    calls text[];
    latest uuid;
    latest_call timestamptz;
    bytes bigint;
    touched bigint;
    worked bigint := 0;
    removed bigint := 0;
    bodies_before constant uuid := first_id_at(now() - make_interval(days => bodies_days));
    -- The last minute waits, because transactions of other sessions may still bring in rows with earlier ids.
    settled constant uuid := first_id_at(now() - interval '1 minute');
BEGIN
    PERFORM set_config('app.organization_id', organization::text, true);
    SELECT * INTO mark FROM retention_marks m WHERE m.organization_id = organization;
    IF NOT (bodies_days > 0 AND EXISTS (SELECT FROM webhook_events e WHERE e.organization_id = organization AND e.id < bodies_before)
        OR most_bytes > 0 AND (coalesce(mark.stored_bytes, 0) > most_bytes OR EXISTS (
            SELECT FROM webhook_events e WHERE e.organization_id = organization AND e.id < settled
              AND e.id > coalesce(mark.counted_to, '00000000-0000-0000-0000-000000000000')))
        OR transcripts_days > 0 AND EXISTS (
            SELECT FROM call_logs l WHERE l.organization_id = organization
              AND l.created_at > coalesce(mark.reports_to, '-infinity') AND l.created_at < now() - make_interval(days => transcripts_days))
        OR calls_days > 0 AND EXISTS (
            SELECT FROM call_logs l WHERE l.organization_id = organization AND l.created_at < now() - make_interval(days => calls_days)))
    THEN
        RETURN ARRAY[0, 0];
    END IF;
    INSERT INTO retention_marks (organization_id) VALUES (organization) ON CONFLICT DO NOTHING;
    SELECT * INTO mark FROM retention_marks m WHERE m.organization_id = organization FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN ARRAY[0, 0];
    END IF;

    IF bodies_days > 0 THEN
        WITH gone AS (
            DELETE FROM webhook_events e
            WHERE e.organization_id = organization AND e.id IN (
                SELECT o.id FROM webhook_events o
                WHERE o.organization_id = organization AND o.id < bodies_before
                ORDER BY o.id LIMIT step)
            RETURNING e.id, octet_length(e.body) AS length
        )
        SELECT count(*), coalesce(sum(length) FILTER (WHERE id <= mark.counted_to), 0) INTO touched, bytes FROM gone;
        worked := worked + touched;
        removed := removed + touched;
        mark.stored_bytes := mark.stored_bytes - bytes;
    END IF;

    IF most_bytes > 0 THEN
        SELECT coalesce(sum(c.length), 0), count(*), (array_agg(c.id ORDER BY c.id DESC))[1] INTO bytes, touched, latest FROM (
            SELECT e.id, octet_length(e.body) AS length FROM webhook_events e
            WHERE e.organization_id = organization AND e.id > mark.counted_to AND e.id < settled
            ORDER BY e.id LIMIT step) AS c;
        worked := worked + touched;
        mark.stored_bytes := mark.stored_bytes + bytes;
        mark.counted_to := coalesce(latest, mark.counted_to);
        IF mark.stored_bytes > most_bytes THEN
            WITH oldest AS (
                SELECT e.id, octet_length(e.body) AS length FROM webhook_events e
                WHERE e.organization_id = organization AND e.id <= mark.counted_to ORDER BY e.id LIMIT step
            ), beyond AS (
                SELECT o.id, o.length, sum(o.length) OVER (ORDER BY o.id) - o.length AS before FROM oldest o
            ), gone AS (
                DELETE FROM webhook_events e USING beyond b
                WHERE e.organization_id = organization AND e.id = b.id AND b.before < mark.stored_bytes - most_bytes
                RETURNING b.length
            )
            SELECT count(*), coalesce(sum(length), 0) INTO touched, bytes FROM gone;
            worked := worked + touched;
            removed := removed + touched;
            -- Without a row left nothing is stored, whatever was counted.
            mark.stored_bytes := CASE WHEN touched = 0 THEN 0 ELSE mark.stored_bytes - bytes END;
        END IF;
    END IF;

    IF transcripts_days > 0 THEN
        SELECT max(c.created_at) INTO latest_call FROM (
            SELECT l.created_at FROM call_logs l
            WHERE l.organization_id = organization AND l.created_at > mark.reports_to
              AND l.created_at < now() - make_interval(days => transcripts_days)
            ORDER BY l.created_at LIMIT step) AS c;
        IF latest_call IS NOT NULL THEN
            SELECT array_agg(l.vapi_call_id) INTO calls FROM call_logs l
            WHERE l.organization_id = organization AND l.created_at > mark.reports_to AND l.created_at <= latest_call;
            DELETE FROM call_reports r WHERE r.organization_id = organization AND r.vapi_call_id = ANY (calls);
            -- The key stays, so that the call of a tool never runs again.
            UPDATE tool_results t SET answer = '{"result": ""}'
            WHERE t.organization_id = organization AND t.vapi_call_id = ANY (calls) AND t.answer IS NOT NULL;
            worked := worked + cardinality(calls);
            removed := removed + cardinality(calls);
            mark.reports_to := latest_call;
        END IF;
    END IF;

    IF calls_days > 0 THEN
        WITH gone AS (
            DELETE FROM call_logs l
            WHERE l.organization_id = organization AND l.vapi_call_id IN (
                SELECT o.vapi_call_id FROM call_logs o
                WHERE o.organization_id = organization AND o.created_at < now() - make_interval(days => calls_days)
                ORDER BY o.created_at LIMIT step)
            RETURNING l.vapi_call_id
        )
        SELECT array_agg(vapi_call_id) INTO calls FROM gone;
        IF calls IS NOT NULL THEN
            DELETE FROM call_reports r WHERE r.organization_id = organization AND r.vapi_call_id = ANY (calls);
            DELETE FROM call_pins p WHERE p.organization_id = organization AND p.vapi_call_id = ANY (calls);
            UPDATE tool_results t SET answer = '{"result": ""}'
            WHERE t.organization_id = organization AND t.vapi_call_id = ANY (calls) AND t.answer IS NOT NULL;
            WITH gone AS (
                DELETE FROM webhook_events e WHERE e.organization_id = organization AND e.vapi_call_id = ANY (calls)
                RETURNING e.id, octet_length(e.body) AS length
            )
            SELECT coalesce(sum(length) FILTER (WHERE id <= mark.counted_to), 0) INTO bytes FROM gone;
            mark.stored_bytes := mark.stored_bytes - bytes;
            worked := worked + cardinality(calls);
            removed := removed + cardinality(calls);
        END IF;
    END IF;

    UPDATE retention_marks m SET counted_to = mark.counted_to, stored_bytes = greatest(mark.stored_bytes, 0),
        reports_to = mark.reports_to
    WHERE m.organization_id = organization;
    RETURN ARRAY[worked, removed];
END
$$;

-- Counts refusals, at most 1,000 at once, and holds the table to its bound: half of it for those that claim an organization.
-- Those go first that were seen once, and then those that were not seen for long. Nodes take turns.
CREATE FUNCTION count_refusals(counted jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('vapi-gateway refusals', 0));
    INSERT INTO refusals (reason, step, identifier, organization_id, count, first_at, last_at)
    SELECT f.reason, f.step, f.identifier, o.id, sum(f.count), min(f.first_at), max(f.last_at)
    FROM (SELECT * FROM jsonb_to_recordset(counted) AS each (reason text, step text, identifier text, organization_id uuid,
              count bigint, first_at timestamptz, last_at timestamptz) LIMIT 1000) AS f
    LEFT JOIN organizations o ON o.id = f.organization_id
    GROUP BY f.reason, f.step, f.identifier, o.id
    ON CONFLICT (reason, step, identifier, organization_id) DO UPDATE SET
        count = refusals.count + excluded.count, first_at = least(refusals.first_at, excluded.first_at),
        last_at = greatest(refusals.last_at, excluded.last_at);
    DELETE FROM refusals r USING (
        SELECT o.id, row_number() OVER (PARTITION BY o.organization_id IS NULL
                                        ORDER BY o.count > 1 DESC, o.last_at DESC, o.id DESC) AS place
        FROM refusals o
    ) ranked
    WHERE r.id = ranked.id AND ranked.place > 5000;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Change notices for the caches of every node, and updated_at
-- ---------------------------------------------------------------------------------------------------------------

-- Tells every node's caches. Of many changes at once none is told apart: the caches begin anew.
CREATE FUNCTION announce(changes text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF cardinality(changes) > 1000 THEN
        PERFORM pg_notify('gateway_directory', 'everything');
    ELSE
        PERFORM pg_notify('gateway_directory', change) FROM unnest(changes) AS change;
    END IF;
END
$$;

CREATE FUNCTION notify_identifiers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- At most 512 characters of value: far below the 8000 bytes that a notice may have. An update changes neither kind nor value.
    PERFORM announce(ARRAY(SELECT DISTINCT 'identifier ' || c.kind || ' ' || c.value FROM changed c LIMIT 1001));
    RETURN NULL;
END
$$;

CREATE FUNCTION notify_organizations() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM announce(ARRAY(
            SELECT DISTINCT 'organization ' || b.id FROM (
                SELECT o.id, o.slug, o.name, o.timezone, o.region, o.vapi_org_id, o.has_own_credentials, o.is_active, o.limits,
                       o.settings, o.primary_language, o.secondary_languages, count(*) AS states
                FROM (SELECT * FROM former UNION ALL SELECT * FROM changed) AS o
                GROUP BY o.id, o.slug, o.name, o.timezone, o.region, o.vapi_org_id, o.has_own_credentials, o.is_active, o.limits,
                         o.settings, o.primary_language, o.secondary_languages
            ) AS b WHERE b.states = 1 LIMIT 1001));
    ELSE
        PERFORM announce(ARRAY(SELECT 'organization ' || c.id FROM changed c LIMIT 1001));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION notify_credentials() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM announce(ARRAY(
            SELECT DISTINCT 'organization ' || b.organization_id FROM (
                SELECT c.organization_id, c.id, c.label, c.recipe, c.sealed_secret, c.sealing_key_id, c.not_before, c.not_after,
                       count(*) AS states
                FROM (SELECT * FROM former UNION ALL SELECT * FROM changed) AS c
                GROUP BY c.organization_id, c.id, c.label, c.recipe, c.sealed_secret, c.sealing_key_id, c.not_before, c.not_after
            ) AS b WHERE b.states = 1 LIMIT 1001));
    ELSE
        PERFORM announce(ARRAY(SELECT DISTINCT 'organization ' || c.organization_id FROM changed c LIMIT 1001));
    END IF;
    RETURN NULL;
END
$$;

-- What organizations declare is in the memory of every node: one notice an organization.
CREATE FUNCTION notify_tenants() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM announce(ARRAY(SELECT 'tenant ' || b.organization_id
            FROM (SELECT c.organization_id FROM changed c UNION SELECT f.organization_id FROM former f) AS b LIMIT 1001));
    ELSE
        PERFORM announce(ARRAY(SELECT DISTINCT 'tenant ' || c.organization_id FROM changed c LIMIT 1001));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION notify_everything() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('gateway_directory', 'everything');
    RETURN NULL;
END
$$;

DO $$
DECLARE
    told record;
BEGIN
    FOR told IN VALUES ('identifiers', 'notify_identifiers'), ('organizations', 'notify_organizations'),
                       ('credentials', 'notify_credentials'), ('agents', 'notify_tenants'), ('phone_numbers', 'notify_tenants'),
                       ('services', 'notify_tenants'), ('resources', 'notify_tenants'), ('opening_hours', 'notify_tenants'),
                       ('closures', 'notify_tenants'), ('transfer_destinations', 'notify_tenants') LOOP
        EXECUTE format('CREATE TRIGGER notice_of_insert AFTER INSERT ON %I
            REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %I()', told.column1, told.column2);
        EXECUTE format('CREATE TRIGGER notice_of_update AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            told.column1, told.column2);
        EXECUTE format('CREATE TRIGGER notice_of_delete AFTER DELETE ON %I
            REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %I()', told.column1, told.column2);
        EXECUTE format('CREATE TRIGGER notice_of_truncate AFTER TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION notify_everything()', told.column1);
    END LOOP;
END
$$;

-- updated_at moves with every change that does not set it.
CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
DO $$
DECLARE
    touched text;
BEGIN
    FOREACH touched IN ARRAY ARRAY['organizations', 'customer_configurations', 'agents', 'phone_numbers', 'phone_number_mapping',
                                   'contacts', 'appointments', 'knowledge_documents'] LOOP
        EXECUTE format('CREATE TRIGGER touch_updated_at BEFORE UPDATE ON %I FOR EACH ROW
            WHEN (OLD.updated_at = NEW.updated_at) EXECUTE FUNCTION touch_updated_at()', touched);
    END LOOP;
END
$$;
-- Use is not change.
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON credentials FOR EACH ROW
    WHEN (OLD.updated_at = NEW.updated_at AND OLD.last_used_at IS NOT DISTINCT FROM NEW.last_used_at)
    EXECUTE FUNCTION touch_updated_at();

-- ---------------------------------------------------------------------------------------------------------------
-- The writer
-- ---------------------------------------------------------------------------------------------------------------

-- A batch of messages is one statement: record_batch takes the rows of many organizations as one array a column, sorted by
-- organization and key, so that two nodes never wait for each other in a circle. It runs with the rights of its caller,
-- under the ordinary policies. Each row enters its organization on its way into the table, before the policies look at
-- it: `WHERE set_config(…)` stands where the rows come from, and behind it there is no join and no sort that would gather
-- them first. Were rows ever to travel in another way, the policies would refuse them. A statement costs the server
-- about as much as some rows do, so each table has one a batch.

-- Of calls, in the order in which they are asked for: whether another organization has pinned it too, whether this one has
-- erased it, and whether this one has pinned it. The first is what pinned_by_others tells of one call in one scope, so it
-- runs with its owner's rights. The other one's name stays untold.
CREATE FUNCTION pins_of_calls(owners uuid[], calls text[])
RETURNS TABLE (is_contested boolean, is_erased boolean, is_pinned boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT pins.contested, pins.erased, pins.pinned
    FROM generate_series(1, cardinality(calls)) AS n, LATERAL (
        SELECT coalesce(bool_or(p.organization_id <> owners[n]), false) AS contested,
               coalesce(bool_or(p.organization_id = owners[n] AND p.is_erased), false) AS erased,
               coalesce(bool_or(p.organization_id = owners[n]), false) AS pinned
        FROM call_pins p WHERE p.vapi_call_id = calls[n]) AS pins;
END
$$;

-- Whether what is said of a column takes the place of what is known of it: the greater key decides, and of two values with
-- one key the greater one. A value that nothing is known of yields.
CREATE FUNCTION decides(said bigint, known bigint, is_unknown boolean, is_greater boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT is_unknown OR (said, is_greater) > (coalesce(known, '-9223372036854775808'), false)
$$;

-- Records messages: the inbox, pins, callers, the ledger, reports, erasures and alarms. What a message says of its call comes
-- as a row, which is merged into the stored one by the rule of storage/src/ledger.rs; texts are compared by their bytes, and
-- documents by the text that PostgreSQL gives them. `patience` is how long the transaction waits for a row that
-- another one holds; null leaves that to the transaction. Gives for each message of the inbox how often it was delivered by
-- now, for each call whether it is contested and whether it was erased before, and the rows that changed the ledger.
CREATE FUNCTION record_batch(
    patience text, empty_body bytea,
    -- Organizations with messages of calls, and whether one of their messages is an erasure.
    orgs uuid[], org_erases boolean[],
    -- The inbox. The text of an alarm is its detail; null raises none.
    event_owners uuid[], event_ids uuid[], event_kinds text[], event_calls text[], event_keys text[], event_verdicts text[],
    event_traces bytea[], event_bodies bytea[], event_lengths integer[], event_requests text[], event_arrivals timestamptz[],
    event_counts integer[], event_alarms text[],
    -- Every call: whether it is to be pinned, is shared with another organization of the batch, and is to be erased.
    call_owners uuid[], call_ids text[], call_arrivals timestamptz[], call_pinned boolean[], call_shared boolean[],
    call_erased boolean[],
    -- The ledger, a row a message, and in which wave it is merged. A contact is named by its id below.
    waves integer, row_waves integer[], row_owners uuid[], row_calls text[], row_types text[], row_statuses text[],
    row_ranks smallint[], row_assistants text[], row_phones text[], row_customers text[], row_contacts uuid[],
    row_metadatas jsonb[], row_starts timestamptz[], row_ends timestamptz[], row_reasons text[], row_urls bytea[], row_keys jsonb[], row_arrivals timestamptz[],
    report_waves integer[], report_owners uuid[], report_calls text[], report_durations bigint[],
    report_costs double precision[], report_transcripts text[], report_summaries text[], report_datas jsonb[], report_evaluations text[],
    report_recordings text[], report_stereos text[], report_keys jsonb[],
    -- Callers in the order of their messages. The id is for a number that has no contact yet.
    caller_owners uuid[], caller_ids uuid[], caller_phones text[], caller_calls text[], caller_names text[],
    caller_emails text[], caller_ends timestamptz[], caller_arrivals timestamptz[],
    OUT counts integer[], OUT contested boolean[], OUT erased boolean[], OUT changed_owners uuid[], OUT changed_calls text[],
    OUT changed_waves integer[]
)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    -- Organization and call, of calls that were erased before and of those that others have pinned too: hardly ever any.
    gone text[] := '{}';
    met text[] := '{}';
    pinned boolean[];
BEGIN
    IF patience IS NOT NULL THEN
        patience := set_config('lock_timeout', patience, true);
    END IF;
    patience := set_config('app.writer_pins', 'on', true);

    -- An erasure and a message must not pass each other unseen. Messages share a lock on their organization, and an erasure
    -- has it alone; a lock for each call would cost every message more than erasures, which are rare, are worth.
    PERFORM CASE WHEN org_erases[o] THEN pg_advisory_xact_lock(hashtextextended(orgs[o]::text, 0))
                                    ELSE pg_advisory_xact_lock_shared(hashtextextended(orgs[o]::text, 0)) END
    FROM generate_series(1, cardinality(orgs)) AS o;
    SELECT array_agg(p.is_contested), array_agg(p.is_erased), array_agg(p.is_pinned) INTO contested, erased, pinned
    FROM pins_of_calls(call_owners, call_ids) AS p;
    IF true = ANY (erased || contested || call_shared) THEN
        SELECT coalesce(array_agg(call_owners[c]::text || call_ids[c]) FILTER (WHERE erased[c]), '{}'),
               coalesce(array_agg(call_owners[c]::text || call_ids[c]) FILTER (WHERE contested[c] OR call_shared[c]), '{}')
        INTO gone, met FROM generate_series(1, cardinality(call_ids)) AS c;
    END IF;

    -- A fuller delivery's body replaces the stored one; an erased body stays erased.
    IF cardinality(event_ids) > 0 THEN
        WITH written AS (
            INSERT INTO webhook_events AS known (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body,
                                                 body_bytes, request_id, received_at, deliveries)
            SELECT event_owners[e], event_ids[e], event_kinds[e], event_calls[e], event_keys[e], event_verdicts[e],
                   event_traces[e], event_bodies[e], event_lengths[e], event_requests[e], event_arrivals[e], event_counts[e]
            FROM generate_series(1, cardinality(event_ids)) AS e
            WHERE set_config('app.organization_id', event_owners[e]::text, true) IS NOT NULL
            ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET
                deliveries = known.deliveries + excluded.deliveries,
                body = CASE WHEN known.body_bytes > 0 AND excluded.body_bytes > known.body_bytes
                            THEN excluded.body ELSE known.body END,
                body_bytes = CASE WHEN known.body_bytes > 0
                                  THEN greatest(known.body_bytes, excluded.body_bytes) ELSE 0 END
            RETURNING known.deliveries)
        SELECT array_agg(written.deliveries) INTO counts FROM written;
    END IF;

    IF false = ANY (pinned) THEN
        INSERT INTO call_pins (organization_id, vapi_call_id, created_at)
        SELECT call_owners[c], call_ids[c], call_arrivals[c] FROM generate_series(1, cardinality(call_ids)) AS c
        WHERE call_pinned[c] AND NOT pinned[c]
          AND set_config('app.organization_id', call_owners[c]::text, true) IS NOT NULL
        ON CONFLICT DO NOTHING;
    END IF;

    -- Unknown fields of a caller's contact are filled by the first message that has them; known ones are never replaced.
    IF cardinality(caller_ids) > 0 THEN
        INSERT INTO contacts AS known (organization_id, id, phone, name, email, last_call_at, created_at, updated_at)
        SELECT caller.*
        FROM (SELECT caller_owners[c] AS owner, caller_ids[c], caller_phones[c],
                     coalesce((array_agg(caller_names[c] ORDER BY c) FILTER (WHERE caller_names[c] IS NOT NULL))[1], ''),
                     (array_agg(caller_emails[c] ORDER BY c) FILTER (WHERE caller_emails[c] IS NOT NULL))[1],
                     max(caller_ends[c]), max(caller_arrivals[c]), max(caller_arrivals[c])
              FROM generate_series(1, cardinality(caller_ids)) AS c
              WHERE caller_calls[c] IS NULL OR caller_owners[c]::text || caller_calls[c] <> ALL (gone)
              GROUP BY 1, 2, 3 ORDER BY 1, 3 OFFSET 0) AS caller
        WHERE set_config('app.organization_id', caller.owner::text, true) IS NOT NULL
        ON CONFLICT (organization_id, phone) DO UPDATE SET
            name = CASE WHEN known.name ~ '\S' THEN known.name ELSE excluded.name END,
            email = CASE WHEN known.email ~ '\S' THEN known.email ELSE coalesce(excluded.email, known.email) END,
            last_call_at = greatest(known.last_call_at, excluded.last_call_at)
        -- A caller of whom nothing new is known costs no write.
        WHERE excluded.last_call_at > known.last_call_at
           OR (excluded.last_call_at IS NOT NULL AND known.last_call_at IS NULL)
           OR (NOT known.name ~ '\S' AND excluded.name <> known.name)
           OR (excluded.email IS NOT NULL AND (known.email ~ '\S') IS NOT TRUE AND excluded.email IS DISTINCT FROM known.email);
    END IF;

    -- A statement changes no row twice, so that the messages of one call come one after the other.
    FOR wave IN 1..waves LOOP
        WITH written AS (
            INSERT INTO call_logs AS known (organization_id, vapi_call_id, call_type, status, status_rank, vapi_assistant_id,
                phone_number_id, customer_number, contact_id, metadata, started_at, ended_at, ended_reason,
                sealed_control_url, decided, created_at)
            SELECT row_owners[r], row_calls[r], row_types[r], row_statuses[r], row_ranks[r], row_assistants[r],
                   row_phones[r], row_customers[r],
                   CASE WHEN row_contacts[r] IS NOT NULL THEN (
                       SELECT c.id FROM contacts c WHERE c.organization_id = row_owners[r]
                         AND c.phone = caller_phones[array_position(caller_ids, row_contacts[r])]) END,
                   row_metadatas[r], row_starts[r], row_ends[r], row_reasons[r], row_urls[r], row_keys[r], row_arrivals[r]
            FROM generate_series(1, cardinality(row_calls)) AS r
            WHERE row_waves[r] = wave AND set_config('app.organization_id', row_owners[r]::text, true) IS NOT NULL
            ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
                (call_type, status, status_rank, vapi_assistant_id, phone_number_id, customer_number, contact_id, metadata,
                 started_at, ended_at, ended_reason, sealed_control_url, decided) = (
                SELECT CASE WHEN said.call_type THEN excluded.call_type ELSE known.call_type END,
                       CASE WHEN said.status THEN excluded.status ELSE known.status END,
                       greatest(excluded.status_rank, known.status_rank),
                       CASE WHEN said.vapi_assistant_id THEN excluded.vapi_assistant_id ELSE known.vapi_assistant_id END,
                       CASE WHEN said.phone_number_id THEN excluded.phone_number_id ELSE known.phone_number_id END,
                       -- Number and contact are decided as one, so that they name one person.
                       CASE WHEN said.is_erased THEN NULL
                            WHEN said.customer THEN excluded.customer_number ELSE known.customer_number END,
                       CASE WHEN said.is_erased THEN NULL
                            WHEN said.customer THEN excluded.contact_id ELSE known.contact_id END,
                       CASE WHEN said.is_erased THEN '{}' WHEN said.lost IS NULL THEN said.metadata
                            ELSE said.metadata || (excluded.metadata - said.lost) END,
                       CASE WHEN said.started_at THEN excluded.started_at ELSE known.started_at END,
                       CASE WHEN said.ended_at THEN excluded.ended_at ELSE known.ended_at END,
                       CASE WHEN said.ended_reason THEN excluded.ended_reason ELSE known.ended_reason END,
                       -- The URL lets its holder speak in the call, so it is kept no longer than the call lasts.
                       CASE WHEN said.is_erased OR said.is_over THEN NULL
                            WHEN said.url THEN excluded.sealed_control_url ELSE known.sealed_control_url END,
                       (known.decided || (excluded.decided - (
                           CASE WHEN said.lost <> '{}' THEN ARRAY(SELECT 'metadata.' || name FROM unnest(said.lost) AS name) END
                           || ARRAY[CASE WHEN NOT said.call_type THEN 'call_type' END,
                                   CASE WHEN NOT said.vapi_assistant_id THEN 'vapi_assistant_id' END,
                                   CASE WHEN NOT said.phone_number_id THEN 'phone_number_id' END,
                                   CASE WHEN NOT said.customer THEN 'customer_number' END,
                                   CASE WHEN NOT said.started_at THEN 'started_at' END,
                                   CASE WHEN NOT said.ended_at THEN 'ended_at' END,
                                   CASE WHEN NOT said.ended_reason THEN 'ended_reason' END,
                                   CASE WHEN NOT said.url THEN 'control_url' END,
                                   CASE WHEN NOT said.erased THEN 'erased' END])))
                       - CASE WHEN said.is_erased THEN ARRAY(
                                  SELECT name FROM jsonb_object_keys(known.decided || excluded.decided) AS name
                                  WHERE name LIKE 'metadata.%' OR name IN ('customer_number', 'control_url'))
                              WHEN said.is_over THEN ARRAY['control_url'] ELSE '{}' END
                FROM (SELECT
                    excluded.status_rank > 0 AND (excluded.status_rank, excluded.status COLLATE "C")
                                               > (known.status_rank, known.status COLLATE "C") AS status,
                    excluded.call_type IS NOT NULL AND decides(
                        (excluded.decided ->> 'call_type')::bigint, (known.decided ->> 'call_type')::bigint,
                        known.call_type IS NULL,
                        excluded.call_type > known.call_type COLLATE "C") AS call_type,
                    excluded.vapi_assistant_id IS NOT NULL AND decides(
                        (excluded.decided ->> 'vapi_assistant_id')::bigint, (known.decided ->> 'vapi_assistant_id')::bigint,
                        known.vapi_assistant_id IS NULL,
                        excluded.vapi_assistant_id > known.vapi_assistant_id COLLATE "C") AS vapi_assistant_id,
                    excluded.phone_number_id IS NOT NULL AND decides(
                        (excluded.decided ->> 'phone_number_id')::bigint, (known.decided ->> 'phone_number_id')::bigint,
                        known.phone_number_id IS NULL,
                        excluded.phone_number_id > known.phone_number_id COLLATE "C") AS phone_number_id,
                    excluded.started_at IS NOT NULL AND decides(
                        (excluded.decided ->> 'started_at')::bigint, (known.decided ->> 'started_at')::bigint,
                        known.started_at IS NULL,
                        excluded.started_at > known.started_at) AS started_at,
                    excluded.ended_at IS NOT NULL AND decides(
                        (excluded.decided ->> 'ended_at')::bigint, (known.decided ->> 'ended_at')::bigint,
                        known.ended_at IS NULL,
                        excluded.ended_at > known.ended_at) AS ended_at,
                    excluded.ended_reason IS NOT NULL AND decides(
                        (excluded.decided ->> 'ended_reason')::bigint, (known.decided ->> 'ended_reason')::bigint,
                        known.ended_reason IS NULL,
                        excluded.ended_reason > known.ended_reason COLLATE "C") AS ended_reason,
                    (excluded.customer_number IS NOT NULL OR excluded.contact_id IS NOT NULL) AND decides(
                        (excluded.decided ->> 'customer_number')::bigint, (known.decided ->> 'customer_number')::bigint,
                        known.customer_number IS NULL AND known.contact_id IS NULL,
                        (excluded.customer_number IS NOT NULL, coalesce(excluded.customer_number, '') COLLATE "C",
                         excluded.contact_id IS NOT NULL, excluded.contact_id)
                        > (known.customer_number IS NOT NULL, coalesce(known.customer_number, '') COLLATE "C",
                           known.contact_id IS NOT NULL, known.contact_id)) IS TRUE AS customer,
                    -- Sealed URLs cannot be compared: of two with one key the stored one stays.
                    excluded.sealed_control_url IS NOT NULL AND decides(
                        (excluded.decided ->> 'control_url')::bigint, (known.decided ->> 'control_url')::bigint,
                        known.sealed_control_url IS NULL, false) AS url,
                    excluded.decided ? 'erased' AND decides(
                        (excluded.decided ->> 'erased')::bigint, (known.decided ->> 'erased')::bigint,
                        false, false) AS erased,
                    known.decided ? 'erased' OR excluded.decided ? 'erased' AS is_erased,
                    greatest(excluded.status_rank, known.status_rank) >= 6 AS is_over,
                    CASE jsonb_typeof(known.metadata) WHEN 'object' THEN known.metadata ELSE '{}' END AS metadata,
                    -- The members of the metadata whose stored values stay.
                    CASE WHEN excluded.metadata <> '{}' THEN ARRAY(
                        SELECT m.name FROM jsonb_each(excluded.metadata) AS m (name, value)
                        WHERE NOT decides((excluded.decided ->> ('metadata.' || m.name))::bigint,
                                          (known.decided ->> ('metadata.' || m.name))::bigint,
                                          (known.metadata -> m.name) IS NULL,
                                          m.value::text > (known.metadata -> m.name)::text COLLATE "C")) END AS lost
                    OFFSET 0) AS said)
            RETURNING known.organization_id, known.vapi_call_id)
        SELECT changed_owners || array_agg(written.organization_id), changed_calls || array_agg(written.vapi_call_id),
               changed_waves || array_agg(wave)
        INTO changed_owners, changed_calls, changed_waves FROM written;

        -- Of two reports the later one decides, a text by its length: a shorter one is an earlier state of it.
        IF cardinality(report_calls) > 0 THEN
            WITH written AS (
                INSERT INTO call_reports AS known (organization_id, vapi_call_id, duration_ms, cost, transcript, summary,
                    structured_data, success_evaluation, recording_url, stereo_recording_url, decided)
                SELECT report_owners[r], report_calls[r], report_durations[r], report_costs[r], report_transcripts[r],
                       report_summaries[r], report_datas[r], report_evaluations[r], report_recordings[r], report_stereos[r],
                       report_keys[r]
                FROM generate_series(1, cardinality(report_calls)) AS r
                WHERE report_waves[r] = wave AND report_owners[r]::text || report_calls[r] <> ALL (gone)
                  AND set_config('app.organization_id', report_owners[r]::text, true) IS NOT NULL
                ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
                    (duration_ms, cost, transcript, summary, structured_data, success_evaluation, recording_url,
                     stereo_recording_url, decided) = (
                    SELECT CASE WHEN said.duration THEN excluded.duration_ms ELSE known.duration_ms END,
                           CASE WHEN said.cost THEN excluded.cost ELSE known.cost END,
                           CASE WHEN known.transcript IS NULL
                                  OR (octet_length(excluded.transcript), excluded.transcript COLLATE "C")
                                   > (octet_length(known.transcript), known.transcript COLLATE "C")
                                THEN excluded.transcript ELSE known.transcript END,
                           CASE WHEN known.summary IS NULL
                                  OR (octet_length(excluded.summary), excluded.summary COLLATE "C")
                                   > (octet_length(known.summary), known.summary COLLATE "C")
                                THEN excluded.summary ELSE known.summary END,
                           CASE WHEN said.data THEN excluded.structured_data ELSE known.structured_data END,
                           CASE WHEN said.evaluation THEN excluded.success_evaluation ELSE known.success_evaluation END,
                           CASE WHEN said.recording THEN excluded.recording_url ELSE known.recording_url END,
                           CASE WHEN said.stereo THEN excluded.stereo_recording_url ELSE known.stereo_recording_url END,
                           known.decided || (excluded.decided - ARRAY[
                               CASE WHEN NOT said.duration THEN 'duration_ms' END,
                               CASE WHEN NOT said.cost THEN 'cost' END,
                               CASE WHEN NOT said.data THEN 'structured_data' END,
                               CASE WHEN NOT said.evaluation THEN 'success_evaluation' END,
                               CASE WHEN NOT said.recording THEN 'recording_url' END,
                               CASE WHEN NOT said.stereo THEN 'stereo_recording_url' END])
                    FROM (SELECT
                        excluded.duration_ms IS NOT NULL AND decides(
                            (excluded.decided ->> 'duration_ms')::bigint, (known.decided ->> 'duration_ms')::bigint,
                            known.duration_ms IS NULL,
                            excluded.duration_ms > known.duration_ms) AS duration,
                        excluded.cost IS NOT NULL AND decides(
                            (excluded.decided ->> 'cost')::bigint, (known.decided ->> 'cost')::bigint,
                            known.cost IS NULL,
                            excluded.cost > known.cost) AS cost,
                        excluded.structured_data IS NOT NULL AND decides(
                            (excluded.decided ->> 'structured_data')::bigint, (known.decided ->> 'structured_data')::bigint,
                            known.structured_data IS NULL,
                            excluded.structured_data::text > known.structured_data::text COLLATE "C") AS data,
                        excluded.success_evaluation IS NOT NULL AND decides(
                            (excluded.decided ->> 'success_evaluation')::bigint,
                            (known.decided ->> 'success_evaluation')::bigint,
                            known.success_evaluation IS NULL,
                            excluded.success_evaluation > known.success_evaluation COLLATE "C") AS evaluation,
                        excluded.recording_url IS NOT NULL AND decides(
                            (excluded.decided ->> 'recording_url')::bigint, (known.decided ->> 'recording_url')::bigint,
                            known.recording_url IS NULL,
                            excluded.recording_url > known.recording_url COLLATE "C") AS recording,
                        excluded.stereo_recording_url IS NOT NULL AND decides(
                            (excluded.decided ->> 'stereo_recording_url')::bigint,
                            (known.decided ->> 'stereo_recording_url')::bigint,
                            known.stereo_recording_url IS NULL,
                            excluded.stereo_recording_url > known.stereo_recording_url COLLATE "C") AS stereo
                        OFFSET 0) AS said)
                RETURNING known.organization_id, known.vapi_call_id)
            SELECT changed_owners || array_agg(written.organization_id), changed_calls || array_agg(written.vapi_call_id),
                   changed_waves || array_agg(wave)
            INTO changed_owners, changed_calls, changed_waves FROM written;
        END IF;
    END LOOP;

    -- What was said in an erased call goes, the bodies of the messages of this batch too. The rows of the call stay, and the
    -- kinds and times of its messages.
    IF true = ANY (erased || call_erased) THEN
        FOR n IN 1..cardinality(call_ids) LOOP
            CONTINUE WHEN NOT (erased[n] OR call_erased[n]);
            PERFORM set_config('app.organization_id', call_owners[n]::text, true);
            UPDATE call_pins SET is_erased = true
            WHERE organization_id = call_owners[n] AND vapi_call_id = call_ids[n] AND NOT is_erased;
            DELETE FROM call_reports WHERE organization_id = call_owners[n] AND vapi_call_id = call_ids[n];
            UPDATE webhook_events SET body = empty_body, body_bytes = 0, answer = NULL
            WHERE organization_id = call_owners[n] AND vapi_call_id = call_ids[n]
              AND (body_bytes > 0 OR answer IS NOT NULL);
        END LOOP;
    END IF;

    -- A message that is new tells its organization of a call that another one has pinned. It shares its id with the message.
    IF cardinality(met) > 0 THEN
        INSERT INTO security_log (organization_id, id, event, detail, vapi_call_id, request_id, created_at)
        SELECT event_owners[e], event_ids[e], 'pin_against_mapping', event_alarms[e]::jsonb, event_calls[e],
               event_requests[e], event_arrivals[e]
        FROM generate_series(1, cardinality(event_ids)) AS e
        WHERE event_alarms[e] IS NOT NULL AND counts[e] = event_counts[e]
          AND event_owners[e]::text || event_calls[e] = ANY (met)
          AND set_config('app.organization_id', event_owners[e]::text, true) IS NOT NULL;
    END IF;

    counts := coalesce(counts, '{}');
    contested := coalesce(contested, '{}');
    erased := coalesce(erased, '{}');
    changed_owners := coalesce(changed_owners, '{}');
    changed_calls := coalesce(changed_calls, '{}');
    changed_waves := coalesce(changed_waves, '{}');
END
$$;

-- ---------------------------------------------------------------------------------------------------------------
-- Row-level security: enabled and FORCED on every tenant table
-- ---------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    -- Read once per statement; after a transaction that set it, the setting reads as an empty string.
    scope constant text := 'nullif(current_setting(''app.organization_id'', true), '''')::uuid';
    tenant record;
BEGIN
    FOR tenant IN
        SELECT c.relname AS name, CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END AS owner
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND (c.relname = 'organizations' OR EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped))
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant.name);
        EXECUTE format('CREATE POLICY org_isolation ON %I FOR ALL TO gateway_app USING (%I = %s) WITH CHECK (%I = %s)',
            tenant.name, tenant.owner, scope, tenant.owner, scope);
        EXECUTE format('CREATE POLICY operator_all ON %I FOR ALL TO gateway_operator USING (true) WITH CHECK (true)', tenant.name);
    END LOOP;
END
$$;

CREATE POLICY directory_read ON organizations FOR SELECT TO gateway_directory USING (true);
CREATE POLICY directory_read ON credentials FOR SELECT TO gateway_directory USING (true);
CREATE POLICY directory_read ON identifiers FOR SELECT TO gateway_directory USING (true);
CREATE POLICY directory_read ON call_pins FOR SELECT TO gateway_directory USING (true);

-- FORCE binds the owner too. These let the definer functions above do their work, and nothing more.
CREATE POLICY owner_read ON organizations FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_update ON organizations FOR UPDATE TO gateway_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_read ON agents FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_read ON customer_configurations FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_read ON phone_numbers FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_read ON phone_number_mapping FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_read ON credentials FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_update ON credentials FOR UPDATE TO gateway_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_read ON call_pins FOR SELECT TO gateway_owner USING (true);
CREATE POLICY owner_all ON refusals FOR ALL TO gateway_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON identifiers FOR ALL TO gateway_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON identifier_sources FOR ALL TO gateway_owner USING (true) WITH CHECK (true);

-- ---------------------------------------------------------------------------------------------------------------
-- Grants: what each role may do at all
-- ---------------------------------------------------------------------------------------------------------------

GRANT SELECT ON organizations, customer_configurations, agents, phone_numbers, phone_number_mapping, services, resources,
    opening_hours, closures, transfer_destinations, knowledge_documents, dialing_regions TO gateway_app;
GRANT SELECT, INSERT, UPDATE ON call_logs, webhook_events, tool_results, contacts, appointments TO gateway_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON call_reports TO gateway_app;
GRANT SELECT, INSERT ON call_pins, security_log TO gateway_app;
GRANT UPDATE (is_erased) ON call_pins TO gateway_app;
GRANT DELETE ON call_logs, call_pins, webhook_events TO gateway_app;  -- what is kept no longer
GRANT SELECT, INSERT, UPDATE ON retention_marks TO gateway_app;

GRANT SELECT ON identifiers, credentials, dialing_regions, assistant_org_mapping TO gateway_directory;
GRANT SELECT (id, slug, name, region, vapi_org_id, has_own_credentials, is_active, limits, retention, primary_language) ON organizations TO gateway_directory;
GRANT SELECT (organization_id, vapi_call_id) ON call_pins TO gateway_directory;
GRANT SELECT, INSERT, UPDATE ON deployment TO gateway_directory;

GRANT SELECT, INSERT, UPDATE, DELETE ON organizations, customer_configurations, agents, phone_numbers, phone_number_mapping,
    credentials, call_logs, call_reports, call_pins, webhook_events, tool_results, contacts, appointments, services, resources,
    opening_hours, closures, transfer_destinations, knowledge_documents, security_log, audit_log, quarantine, refusals, deployment, retention_marks
    TO gateway_operator;
GRANT SELECT ON dialing_regions, identifiers, identifier_sources, assistant_org_mapping TO gateway_operator;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gateway_operator;

-- Functions are open to everybody by default; a definer function must not be. Those of extensions are not ours to change.
DO $$
DECLARE
    ours record;
BEGIN
    FOR ours IN SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = 'gateway_owner'::regrole
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', ours.name);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION normalise_id(text), normalise_phone(text, text) TO gateway_app, gateway_directory, gateway_operator;
GRANT EXECUTE ON FUNCTION announce(text[]) TO gateway_operator;
GRANT EXECUTE ON FUNCTION touch_credential, find_contact, read_tenant, reserve_tool_result, book_appointment, pinned_by_others,
    quarantine_message, trim_quarantine, count_refusals, clear_away, first_id_at, pins_of_calls, decides, record_batch TO gateway_app;


-- Every role may ask which migrations have run (the table is diesel's, and absent when this file is run by hand).
DO $$
BEGIN
    IF to_regclass('public.__diesel_schema_migrations') IS NOT NULL THEN
        GRANT SELECT ON __diesel_schema_migrations TO gateway_app, gateway_directory, gateway_operator;
    END IF;
END
$$;
