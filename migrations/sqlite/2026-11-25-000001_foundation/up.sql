-- The whole schema of the gateway in SQLite's dialect: the same tables and columns as the PostgreSQL migration.
-- Differences: a uuid is lower-case hyphenated TEXT, a timestamp is TEXT `YYYY-MM-DDTHH:MM:SS.ffffffZ` with all six
-- digits (so that text order is time order), jsonb and text[] are JSON TEXT, a boolean is 0 or 1. There are no roles
-- and no notices: the scope's own filter is the only lock, and `directory_version` tells processes of changes.
-- Every connection that writes sets PRAGMA foreign_keys = ON. STRICT and UPSERT need SQLite 3.37 or newer.

-- How numbers are dialed in a region of the world: facts, the same for everybody.
CREATE TABLE dialing_regions (
    region TEXT PRIMARY KEY CHECK (region GLOB '[A-Z][A-Z]'),
    calling_code TEXT NOT NULL,
    trunk_prefix TEXT,                    -- null: numbers are dialed as they are
    international_prefix TEXT NOT NULL
) STRICT;

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
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))) CHECK (length(id) = 36 AND id = lower(id)),
    slug TEXT UNIQUE CHECK (slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9_-]*' AND length(slug) <= 63
        -- A slug that reads like an id could name another organization.
        AND NOT (length(slug) = 36 AND slug GLOB '????????-????-????-????-????????????' AND replace(slug, '-', '') NOT GLOB '*[^0-9a-f]*' AND length(replace(slug, '-', '')) = 32)),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    timezone TEXT NOT NULL DEFAULT 'UTC',
    region TEXT NOT NULL DEFAULT 'US' REFERENCES dialing_regions (region),
    primary_language TEXT NOT NULL DEFAULT 'en',
    secondary_languages TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(secondary_languages) AND json_type(secondary_languages) = 'array'),
    vapi_org_id TEXT,
    -- Set for good by the first own credential: from then on the deployment's shared secret never serves this organization.
    has_own_credentials INTEGER NOT NULL DEFAULT 0 CHECK (has_own_credentials IN (0, 1)),
    settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits)),
    retention TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(retention)),  -- days, and bytes; absent: the deployment's, 0: for good
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;

CREATE TABLE customer_configurations (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    vapi_assistant_id TEXT,
    vapi_phone_number TEXT,
    vapi_squad_id TEXT,
    primary_language TEXT NOT NULL DEFAULT 'en',
    secondary_languages TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(secondary_languages) AND json_type(secondary_languages) = 'array'),
    sms_preferences TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(sms_preferences)),
    custom_config TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(custom_config)),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE TABLE agents (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    vapi_assistant_id TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT '',
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, vapi_assistant_id)
) STRICT;

CREATE TABLE phone_numbers (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    provider_phone_id TEXT,
    number TEXT,
    sip_uri TEXT,
    label TEXT NOT NULL DEFAULT '',
    route TEXT CHECK (route IS NULL OR json_valid(route)),  -- {"assistant": id} | {"squad": id} | {"destination": number}
    fallback_assistant_id TEXT,
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE TABLE phone_number_mapping (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    inbound_phone_number TEXT NOT NULL,
    vapi_phone_number_id TEXT,
    clinic_name TEXT NOT NULL DEFAULT '',
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE TABLE credentials (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    label TEXT NOT NULL,
    recipe TEXT NOT NULL CHECK (json_valid(recipe)),  -- scheme and its parameters, never the secret
    sealed_secret BLOB NOT NULL,  -- nonce || ciphertext, associated data: organization and credential id
    sealing_key_id TEXT NOT NULL,
    not_before TEXT CHECK (not_before GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    not_after TEXT CHECK (not_after GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    last_used_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, label)
) STRICT;

-- A call: what it is and where it stands. Of each column the value with the greatest key stays, whatever the order in
-- which messages come; `decided` holds the keys (see storage/src/ledger.rs).
CREATE TABLE call_logs (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id TEXT NOT NULL,
    call_type TEXT,
    status TEXT NOT NULL DEFAULT 'unknown',
    status_rank INTEGER NOT NULL DEFAULT 0,  -- a late status never moves a call back
    vapi_assistant_id TEXT,
    phone_number_id TEXT,
    customer_number TEXT,
    contact_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    started_at TEXT,
    ended_at TEXT,
    ended_reason TEXT,
    sealed_control_url BLOB,  -- the sealing key's id, then the sealed URL; null once the call is over
    decided TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(decided)),  -- column -> key; `erased` once the call was erased
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, vapi_call_id)
) STRICT;
CREATE INDEX call_logs_by_time ON call_logs (organization_id, created_at);
CREATE INDEX call_logs_by_contact ON call_logs (organization_id, contact_id) WHERE contact_id IS NOT NULL;

-- The report at the end of a call. Erasing what was said is a DELETE.
CREATE TABLE call_reports (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id TEXT NOT NULL,
    duration_ms INTEGER,
    cost REAL,
    transcript TEXT,
    summary TEXT,
    structured_data TEXT CHECK (structured_data IS NULL OR json_valid(structured_data)),
    success_evaluation TEXT,
    recording_url TEXT,
    stereo_recording_url TEXT,
    decided TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(decided)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, vapi_call_id)
) STRICT;

CREATE TABLE call_pins (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vapi_call_id TEXT NOT NULL,
    is_erased INTEGER NOT NULL DEFAULT 0 CHECK (is_erased IN (0, 1)),  -- no message of the call is kept with its content
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, vapi_call_id)
) STRICT;
CREATE INDEX call_pins_by_call ON call_pins (vapi_call_id);

CREATE TABLE webhook_events (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    kind TEXT NOT NULL,
    vapi_call_id TEXT,
    dedupe_key TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT 'accepted',  -- accepted | conflict | inactive | drifted
    trace BLOB NOT NULL,  -- how the organization was found: JSON, packed by storage/src/trace.rs
    body BLOB NOT NULL,  -- redacted, then packed by storage/src/body.rs
    body_bytes INTEGER NOT NULL,  -- length before compression
    answer TEXT CHECK (answer IS NULL OR json_valid(answer)),  -- what was answered, for kinds the provider waits for
    request_id TEXT NOT NULL,
    received_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    deliveries INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, dedupe_key)
) STRICT;
-- Ids sort by time, so that the primary key serves what is listed by time.
CREATE INDEX webhook_events_by_call ON webhook_events (organization_id, vapi_call_id);

CREATE TABLE tool_results (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key_hash BLOB NOT NULL,  -- SHA-256 of call and tool-call id, of call, tool and arguments, or of signed bytes
    vapi_call_id TEXT NOT NULL,
    tool_call_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    succeeded INTEGER NOT NULL DEFAULT 0 CHECK (succeeded IN (0, 1)),
    answer TEXT CHECK (answer IS NULL OR json_valid(answer)),  -- {"result": text} or {"error": text}
    effect_id TEXT,  -- the appointment or contact that the call made
    undone_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, key_hash)
) STRICT;
CREATE INDEX tool_results_by_call ON tool_results (organization_id, vapi_call_id);

-- How far an organization's data has been looked through for what is kept no longer, and how many bytes its messages take.
CREATE TABLE retention_marks (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    counted_to TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    reports_to TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE contacts (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    name TEXT NOT NULL DEFAULT '',
    phone TEXT,  -- normalised; null never merges two callers
    email TEXT,
    language TEXT,
    do_not_call INTEGER NOT NULL DEFAULT 0 CHECK (do_not_call IN (0, 1)),
    last_call_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, phone)
) STRICT;

CREATE TABLE appointments (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    contact_id TEXT,
    service TEXT,
    resource_id TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',  -- nil: the organization itself
    seat INTEGER NOT NULL DEFAULT 0,  -- which of the resource's places
    starts_at TEXT NOT NULL CHECK (starts_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    ends_at TEXT NOT NULL CHECK (ends_at > starts_at) CHECK (ends_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    blocked_until TEXT NOT NULL CHECK (blocked_until >= ends_at) CHECK (blocked_until GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),  -- end with the service's buffer
    status TEXT NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled', 'completed', 'no_show')),
    patient_name TEXT NOT NULL DEFAULT '',
    patient_phone TEXT,
    patient_email TEXT,
    vapi_call_id TEXT,
    tool_call_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id)
) STRICT;
CREATE INDEX appointments_by_place ON appointments (organization_id, resource_id, seat, starts_at) WHERE status = 'booked';
CREATE INDEX appointments_by_start ON appointments (organization_id, starts_at);
CREATE INDEX appointments_by_phone ON appointments (organization_id, patient_phone) WHERE patient_phone IS NOT NULL;
CREATE INDEX appointments_by_contact ON appointments (organization_id, contact_id) WHERE contact_id IS NOT NULL;

CREATE TABLE services (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    name TEXT NOT NULL,
    minutes INTEGER NOT NULL DEFAULT 30 CHECK (minutes BETWEEN 5 AND 480),
    buffer_minutes INTEGER NOT NULL DEFAULT 0 CHECK (buffer_minutes BETWEEN 0 AND 240),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE resources (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 1000),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE opening_hours (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 1 AND 7),  -- 1 = Monday
    opens TEXT NOT NULL CHECK (opens GLOB '[0-2][0-9]:[0-5][0-9]'),
    closes TEXT NOT NULL CHECK (closes GLOB '[0-2][0-9]:[0-5][0-9]'),  -- 24:00 is midnight at the end of the day
    PRIMARY KEY (organization_id, id),
    CHECK (closes > opens)
) STRICT;
CREATE INDEX opening_hours_by_day ON opening_hours (organization_id, weekday);

CREATE TABLE closures (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    from_date TEXT NOT NULL,  -- YYYY-MM-DD in the organization's time zone
    to_date TEXT NOT NULL,  -- inclusive
    reason TEXT,
    PRIMARY KEY (organization_id, id),
    CHECK (to_date >= from_date)
) STRICT;
CREATE INDEX closures_by_date ON closures (organization_id, to_date);

CREATE TABLE transfer_destinations (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    department TEXT NOT NULL,
    number TEXT,
    sip_uri TEXT,
    opening_hours TEXT CHECK (opening_hours IS NULL OR json_valid(opening_hours)),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, department)
) STRICT;

CREATE TABLE knowledge_documents (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    path TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, path)
) STRICT;

CREATE TABLE security_log (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    event TEXT NOT NULL,  -- conflict | inactive | pin_against_mapping
    detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    vapi_call_id TEXT,
    request_id TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    PRIMARY KEY (organization_id, id)
) STRICT;
CREATE INDEX security_log_by_time ON security_log (organization_id, created_at);

-- Deployment tables: no organization owns their rows.
CREATE TABLE audit_log (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (created_at);

CREATE TABLE quarantine (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    kind TEXT NOT NULL,
    vapi_call_id TEXT,
    dedupe_key TEXT NOT NULL,  -- the inbox's key, made of the body as it arrived: the redacted one could give another
    identifiers TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(identifiers)),
    body BLOB NOT NULL,  -- redacted, then packed by storage/src/body.rs
    body_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,  -- everything of the row that a sender chose
    request_id TEXT NOT NULL,
    received_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;
CREATE INDEX quarantine_by_time ON quarantine (received_at, id, stored_bytes);

-- Messages that were refused, counted: at most 10,000 rows.
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 80),
    step TEXT NOT NULL CHECK (length(step) <= 80),
    identifier TEXT NOT NULL CHECK (length(identifier) <= 80 AND identifier NOT GLOB '*[^A-Za-z0-9+:@._-]*'),
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,  -- claimed, and not proven
    count INTEGER NOT NULL CHECK (count > 0),
    first_at TEXT NOT NULL CHECK (first_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    last_at TEXT NOT NULL CHECK (last_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
) STRICT;
CREATE UNIQUE INDEX refusals_one_row ON refusals (reason, step, identifier, coalesce(organization_id, ''));
CREATE INDEX refusals_by_time ON refusals (last_at);
CREATE INDEX refusals_by_organization ON refusals (organization_id);

-- What is true of the deployment as a whole. `canary`: a word that the master key has sealed, packed by storage/src/seal.rs.
-- `quarantine`: its bounds, as JSON.
CREATE TABLE deployment (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- The one lookup table. Maintained by triggers on the mapping tables.
CREATE TABLE identifiers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('assistant_id', 'phone_number_id', 'phone_number', 'squad_id', 'organization')),
    value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 512),
    organization_id TEXT REFERENCES organizations (id),  -- null: it has been removed, and this part of the past is nobody's
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    valid_from TEXT NOT NULL CHECK (valid_from GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),  -- the year 0000 for the first owner
    valid_to TEXT CHECK (valid_to GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),  -- null: open
    CHECK (valid_to > valid_from),
    CHECK (organization_id IS NOT NULL OR valid_to IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX identifiers_one_open_owner ON identifiers (kind, value) WHERE valid_to IS NULL;
CREATE INDEX identifiers_by_value ON identifiers (kind, value, valid_from);
CREATE INDEX identifiers_by_organization ON identifiers (organization_id);

-- Which mapping row names which identifier, in normal form. Only the triggers below write it: with it, one changed
-- row costs the same in an organization with two assistants and in one with ten thousand.
CREATE TABLE identifier_sources (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    source TEXT NOT NULL,  -- the mapping table
    source_id TEXT NOT NULL,  -- its row
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_stale INTEGER NOT NULL DEFAULT 0 CHECK (is_stale IN (0, 1)),  -- only inside a trigger: marked, then swept
    PRIMARY KEY (organization_id, source, source_id, kind, value)
) STRICT;
CREATE INDEX identifier_sources_by_value ON identifier_sources (value, kind);

-- Assistants and their organizations, as of now.
CREATE VIEW assistant_org_mapping AS
    SELECT value AS assistant_id, organization_id
    FROM identifiers
    WHERE kind = 'assistant_id' AND valid_to IS NULL AND is_active;

-- Moves with every change that the directory's caches must see; one row.
CREATE TABLE directory_version (
    only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO directory_version DEFAULT VALUES;

-- ---------------------------------------------------------------------------------------------------------------
-- Identifiers: kept by triggers, so that hand-written SQL takes effect like any other.
-- The two views stand for procedures, which SQLite does not have: inserting into one runs its trigger with arguments.
-- ---------------------------------------------------------------------------------------------------------------

-- Makes the open row of one identifier fit what one organization's mapping rows say about it now.
CREATE VIEW reconcile_identifier (organization_id, kind, value) AS SELECT NULL, NULL, NULL WHERE 0;
CREATE TRIGGER reconcile_identifier_runs INSTEAD OF INSERT ON reconcile_identifier
BEGIN
    -- No row names it any more. A row that would have lasted no time goes.
    DELETE FROM identifiers
    WHERE kind = NEW.kind AND value = NEW.value AND valid_to IS NULL AND organization_id = NEW.organization_id
      AND valid_from >= strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
      AND NOT EXISTS (SELECT 1 FROM identifier_sources s
                      WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id);
    UPDATE identifiers SET valid_to = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
    WHERE kind = NEW.kind AND value = NEW.value AND valid_to IS NULL AND organization_id = NEW.organization_id
      AND NOT EXISTS (SELECT 1 FROM identifier_sources s
                      WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id);

    -- An active row names it, and another organization has it: an error, or it gives way if it is inactive there.
    -- The text is constant because older SQLite takes nothing else here.
    SELECT CASE NEW.kind
        WHEN 'assistant_id' THEN RAISE(ABORT, 'GW001: assistant_id already belongs to another organization')
        WHEN 'phone_number_id' THEN RAISE(ABORT, 'GW001: phone_number_id already belongs to another organization')
        WHEN 'phone_number' THEN RAISE(ABORT, 'GW001: phone_number already belongs to another organization')
        WHEN 'squad_id' THEN RAISE(ABORT, 'GW001: squad_id already belongs to another organization')
        ELSE RAISE(ABORT, 'GW001: organization name already belongs to another organization')
    END
    WHERE EXISTS (SELECT 1 FROM identifiers i
                  WHERE i.kind = NEW.kind AND i.value = NEW.value AND i.valid_to IS NULL
                    AND i.organization_id <> NEW.organization_id AND i.is_active)
      AND EXISTS (SELECT 1 FROM identifier_sources s
                  WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id AND s.is_active);
    DELETE FROM identifiers
    WHERE kind = NEW.kind AND value = NEW.value AND valid_to IS NULL AND organization_id <> NEW.organization_id
      AND valid_from >= strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
      AND EXISTS (SELECT 1 FROM identifier_sources s
                  WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id AND s.is_active);
    UPDATE identifiers SET valid_to = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
    WHERE kind = NEW.kind AND value = NEW.value AND valid_to IS NULL AND organization_id <> NEW.organization_id
      AND EXISTS (SELECT 1 FROM identifier_sources s
                  WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id AND s.is_active);

    -- Already ours: active while any active row names it.
    UPDATE identifiers SET is_active = 1 - is_active
    WHERE kind = NEW.kind AND value = NEW.value AND valid_to IS NULL AND organization_id = NEW.organization_id
      AND is_active <> (SELECT max(s.is_active) FROM identifier_sources s
                        WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id);

    -- Not ours yet. The first owner ever has it from the beginning, a later one from now. Not for an organization
    -- that is being deleted.
    INSERT INTO identifiers (kind, value, organization_id, is_active, valid_from)
    SELECT NEW.kind, NEW.value, NEW.organization_id, mine.is_active,
           coalesce((SELECT max(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z', max(i.valid_to)) FROM identifiers i
                     WHERE i.kind = NEW.kind AND i.value = NEW.value), '0000-01-01T00:00:00.000000Z')
    FROM (SELECT max(s.is_active) AS is_active FROM identifier_sources s
          WHERE s.value = NEW.value AND s.kind = NEW.kind AND s.organization_id = NEW.organization_id) mine
    WHERE mine.is_active IS NOT NULL
      AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = NEW.organization_id)
      AND NOT EXISTS (SELECT 1 FROM identifiers i
                      WHERE i.kind = NEW.kind AND i.value = NEW.value AND i.valid_to IS NULL);
END;

CREATE TRIGGER identifier_sources_insert AFTER INSERT ON identifier_sources
BEGIN
    INSERT INTO reconcile_identifier VALUES (NEW.organization_id, NEW.kind, NEW.value);
END;
CREATE TRIGGER identifier_sources_update AFTER UPDATE OF is_active ON identifier_sources WHEN OLD.is_active <> NEW.is_active
BEGIN
    INSERT INTO reconcile_identifier VALUES (NEW.organization_id, NEW.kind, NEW.value);
END;
CREATE TRIGGER identifier_sources_delete AFTER DELETE ON identifier_sources
BEGIN
    INSERT INTO reconcile_identifier VALUES (OLD.organization_id, OLD.kind, OLD.value);
END;

-- Records that a mapping row names a value, in normal form (migrations/README.md). No value records nothing.
CREATE VIEW put_identifier (organization_id, source, source_id, kind, raw, is_active) AS
    SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;
CREATE TRIGGER put_identifier_runs INSTEAD OF INSERT ON put_identifier
BEGIN
    INSERT INTO identifier_sources (organization_id, source, source_id, kind, value, is_active)
    SELECT NEW.organization_id, NEW.source, NEW.source_id, NEW.kind,
        CASE
            WHEN length(trimmed) > 512 THEN RAISE(ABORT, 'GW003: an identifier is longer than 512 characters')
            WHEN NEW.kind <> 'phone_number' THEN trimmed
            WHEN (lower(trimmed) GLOB 'sip:?*' OR lower(trimmed) GLOB 'sips:?*') AND trimmed NOT GLOB '*[' || white || ']*'
                THEN lower(trimmed)
            WHEN length(digits) BETWEEN 7 AND 15 THEN '+' || digits
            ELSE RAISE(ABORT, 'GW002: the value is not a phone number of the organization''s region')
        END,
        NEW.is_active
    FROM (
        SELECT trimmed, white,
            CASE
                WHEN bare GLOB '+[0-9]*' AND substr(bare, 2) NOT GLOB '*[^0-9]*' THEN substr(bare, 2)
                WHEN bare = '' OR bare GLOB '*[^0-9]*' THEN NULL
                WHEN substr(bare, 1, length(d.international_prefix)) = d.international_prefix
                    THEN substr(bare, length(d.international_prefix) + 1)
                WHEN d.calling_code = '1' AND length(bare) = 10 THEN '1' || bare
                WHEN d.calling_code = '1' AND length(bare) = 11 AND bare GLOB '1*' THEN bare
                WHEN d.calling_code = '1' THEN NULL
                WHEN substr(bare, 1, length(d.trunk_prefix)) = d.trunk_prefix
                    THEN d.calling_code || substr(bare, length(d.trunk_prefix) + 1)
                ELSE d.calling_code || bare
            END AS digits
        FROM (
            SELECT trimmed, white, replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
                trimmed, ' ', ''), char(160), ''), '-', ''), char(8208), ''), char(8209), ''), char(8210), '')
                , char(8211), ''), char(8212), ''), char(8213), ''), '(', ''), ')', ''), '[', '')
                , ']', ''), '.', ''), '/', '') AS bare
            FROM (SELECT trim(NEW.raw, white) AS trimmed, white
                  FROM (SELECT char(9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202,
                            8232, 8233, 8239, 8287, 12288) AS white))
        )
        LEFT JOIN organizations o ON o.id = NEW.organization_id
        LEFT JOIN dialing_regions d ON d.region = o.region
    )
    WHERE trimmed NOT IN ('', '*')
    ON CONFLICT (organization_id, source, source_id, kind, value)
        DO UPDATE SET is_active = excluded.is_active, is_stale = 0;
END;

-- The row triggers of the four mapping tables: mark what the row named before, record what it names now, sweep the
-- rest. A row that is gone, or moved to another organization, names nothing.

CREATE TRIGGER customer_configurations_named_insert AFTER INSERT ON customer_configurations
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'customer_configurations' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'customer_configurations', NEW.id, 'assistant_id', NEW.vapi_assistant_id, NEW.is_active),
        (NEW.organization_id, 'customer_configurations', NEW.id, 'phone_number', NEW.vapi_phone_number, NEW.is_active),
        (NEW.organization_id, 'customer_configurations', NEW.id, 'squad_id', NEW.vapi_squad_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'customer_configurations' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER customer_configurations_named_update
AFTER UPDATE OF organization_id, id, vapi_assistant_id, vapi_phone_number, vapi_squad_id, is_active ON customer_configurations
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'customer_configurations' AND source_id = OLD.id
      AND (OLD.organization_id, OLD.id) <> (NEW.organization_id, NEW.id);
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'customer_configurations' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'customer_configurations', NEW.id, 'assistant_id', NEW.vapi_assistant_id, NEW.is_active),
        (NEW.organization_id, 'customer_configurations', NEW.id, 'phone_number', NEW.vapi_phone_number, NEW.is_active),
        (NEW.organization_id, 'customer_configurations', NEW.id, 'squad_id', NEW.vapi_squad_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'customer_configurations' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER customer_configurations_named_delete AFTER DELETE ON customer_configurations
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'customer_configurations' AND source_id = OLD.id;
END;

CREATE TRIGGER agents_named_insert AFTER INSERT ON agents
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'agents' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'agents', NEW.id, 'assistant_id', NEW.vapi_assistant_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'agents' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER agents_named_update
AFTER UPDATE OF organization_id, id, vapi_assistant_id, is_active ON agents
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'agents' AND source_id = OLD.id
      AND (OLD.organization_id, OLD.id) <> (NEW.organization_id, NEW.id);
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'agents' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'agents', NEW.id, 'assistant_id', NEW.vapi_assistant_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'agents' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER agents_named_delete AFTER DELETE ON agents
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'agents' AND source_id = OLD.id;
END;

CREATE TRIGGER phone_numbers_named_insert AFTER INSERT ON phone_numbers
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'phone_numbers' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number_id', NEW.provider_phone_id, NEW.is_active),
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number', NEW.number, NEW.is_active),
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number', NEW.sip_uri, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'phone_numbers' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER phone_numbers_named_update
AFTER UPDATE OF organization_id, id, provider_phone_id, number, sip_uri, is_active ON phone_numbers
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'phone_numbers' AND source_id = OLD.id
      AND (OLD.organization_id, OLD.id) <> (NEW.organization_id, NEW.id);
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'phone_numbers' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number_id', NEW.provider_phone_id, NEW.is_active),
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number', NEW.number, NEW.is_active),
        (NEW.organization_id, 'phone_numbers', NEW.id, 'phone_number', NEW.sip_uri, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'phone_numbers' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER phone_numbers_named_delete AFTER DELETE ON phone_numbers
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'phone_numbers' AND source_id = OLD.id;
END;

CREATE TRIGGER phone_number_mapping_named_insert AFTER INSERT ON phone_number_mapping
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'phone_number_mapping' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'phone_number_mapping', NEW.id, 'phone_number', NEW.inbound_phone_number, NEW.is_active),
        (NEW.organization_id, 'phone_number_mapping', NEW.id, 'phone_number_id', NEW.vapi_phone_number_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'phone_number_mapping' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER phone_number_mapping_named_update
AFTER UPDATE OF organization_id, id, inbound_phone_number, vapi_phone_number_id, is_active ON phone_number_mapping
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'phone_number_mapping' AND source_id = OLD.id
      AND (OLD.organization_id, OLD.id) <> (NEW.organization_id, NEW.id);
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.organization_id AND source = 'phone_number_mapping' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.organization_id, 'phone_number_mapping', NEW.id, 'phone_number', NEW.inbound_phone_number, NEW.is_active),
        (NEW.organization_id, 'phone_number_mapping', NEW.id, 'phone_number_id', NEW.vapi_phone_number_id, NEW.is_active);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.organization_id AND source = 'phone_number_mapping' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER phone_number_mapping_named_delete AFTER DELETE ON phone_number_mapping
BEGIN
    DELETE FROM identifier_sources
    WHERE organization_id = OLD.organization_id AND source = 'phone_number_mapping' AND source_id = OLD.id;
END;

-- An organization names itself by id and slug, always actively: an inactive organization is found, and then refused.
CREATE TRIGGER organizations_named_insert AFTER INSERT ON organizations
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.id AND source = 'organizations' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.id, 'organizations', NEW.id, 'organization', NEW.id, 1),
        (NEW.id, 'organizations', NEW.id, 'organization', NEW.slug, 1);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.id AND source = 'organizations' AND source_id = NEW.id AND is_stale;
END;
CREATE TRIGGER organizations_named_update AFTER UPDATE OF id, slug ON organizations
BEGIN
    UPDATE identifier_sources SET is_stale = 1
    WHERE organization_id = NEW.id AND source = 'organizations' AND source_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active) VALUES
        (NEW.id, 'organizations', NEW.id, 'organization', NEW.id, 1),
        (NEW.id, 'organizations', NEW.id, 'organization', NEW.slug, 1);
    DELETE FROM identifier_sources
    WHERE organization_id = NEW.id AND source = 'organizations' AND source_id = NEW.id AND is_stale;
END;
-- The identifiers of an organization that is removed end, and their past stays: a late report of one of its calls must not go to
-- whoever has the number next.
CREATE TRIGGER identifiers_lose_their_owner BEFORE DELETE ON organizations
BEGIN
    DELETE FROM identifiers WHERE organization_id = OLD.id AND valid_to IS NULL
        AND valid_from >= strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z';
    UPDATE identifiers
    SET organization_id = NULL, valid_to = coalesce(valid_to, strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
    WHERE organization_id = OLD.id;
END;
-- A cascade does this too, but only on a connection that switched foreign keys on.
CREATE TRIGGER organizations_named_delete AFTER DELETE ON organizations
BEGIN
    DELETE FROM identifier_sources WHERE organization_id = OLD.id;
END;

-- National numbers mean something else in another region.
CREATE TRIGGER numbers_follow_region AFTER UPDATE OF region ON organizations WHEN OLD.region <> NEW.region
BEGIN
    UPDATE identifier_sources SET is_stale = 1 WHERE organization_id = NEW.id AND kind = 'phone_number';
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active)
    SELECT organization_id, 'customer_configurations', id, 'phone_number', vapi_phone_number, is_active FROM customer_configurations WHERE organization_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active)
    SELECT organization_id, 'phone_numbers', id, 'phone_number', number, is_active FROM phone_numbers WHERE organization_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active)
    SELECT organization_id, 'phone_numbers', id, 'phone_number', sip_uri, is_active FROM phone_numbers WHERE organization_id = NEW.id;
    INSERT INTO put_identifier (organization_id, source, source_id, kind, raw, is_active)
    SELECT organization_id, 'phone_number_mapping', id, 'phone_number', inbound_phone_number, is_active FROM phone_number_mapping WHERE organization_id = NEW.id;
    DELETE FROM identifier_sources WHERE organization_id = NEW.id AND kind = 'phone_number' AND is_stale;
END;

-- ---------------------------------------------------------------------------------------------------------------
-- Credentials
-- ---------------------------------------------------------------------------------------------------------------

CREATE TRIGGER own_credentials_are_for_good BEFORE UPDATE OF has_own_credentials ON organizations
WHEN OLD.has_own_credentials AND NOT NEW.has_own_credentials
BEGIN
    SELECT RAISE(ABORT, 'GW004: the organization has had credentials of its own, so the shared secret cannot serve it again');
END;

-- At most five credentials that have not expired. The row with the same label is not counted, because an upsert by
-- label replaces it.
CREATE TRIGGER credentials_stay_few_insert BEFORE INSERT ON credentials
WHEN (NEW.not_after IS NULL OR NEW.not_after > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
BEGIN
    SELECT RAISE(ABORT, 'GW005: the organization already has 5 active credentials: retire one first')
    WHERE (SELECT count(*) FROM credentials c
           WHERE c.organization_id = NEW.organization_id AND c.label <> NEW.label
             AND (c.not_after IS NULL OR c.not_after > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')) >= 5;
END;
CREATE TRIGGER credentials_stay_few_update BEFORE UPDATE OF organization_id, not_after ON credentials
WHEN (NEW.not_after IS NULL OR NEW.not_after > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
BEGIN
    SELECT RAISE(ABORT, 'GW005: the organization already has 5 active credentials: retire one first')
    WHERE (SELECT count(*) FROM credentials c
           WHERE c.organization_id = NEW.organization_id AND c.rowid <> OLD.rowid
             AND (c.not_after IS NULL OR c.not_after > strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')) >= 5;
END;

CREATE TRIGGER credential_is_own_insert AFTER INSERT ON credentials
BEGIN
    UPDATE organizations SET has_own_credentials = 1 WHERE id = NEW.organization_id AND NOT has_own_credentials;
END;
CREATE TRIGGER credential_is_own_update AFTER UPDATE OF organization_id ON credentials
BEGIN
    UPDATE organizations SET has_own_credentials = 1 WHERE id = NEW.organization_id AND NOT has_own_credentials;
END;

-- ---------------------------------------------------------------------------------------------------------------
-- Calls and appointments
-- ---------------------------------------------------------------------------------------------------------------

-- A call in the ledger is pinned to its organization.
CREATE TRIGGER call_is_pinned_insert AFTER INSERT ON call_logs
BEGIN
    INSERT INTO call_pins (organization_id, vapi_call_id) VALUES (NEW.organization_id, NEW.vapi_call_id)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER call_is_pinned_update AFTER UPDATE OF vapi_call_id ON call_logs
BEGIN
    INSERT INTO call_pins (organization_id, vapi_call_id) VALUES (NEW.organization_id, NEW.vapi_call_id)
    ON CONFLICT DO NOTHING;
END;

-- As the exclusion constraint on PostgreSQL, by the same name. SQLite has one writer at a time, so that nothing
-- can slip in between the look and the write.
CREATE TRIGGER appointments_no_double_booking_insert BEFORE INSERT ON appointments WHEN NEW.status = 'booked'
BEGIN
    SELECT RAISE(ABORT, 'GW006: appointments_no_double_booking')
    WHERE EXISTS (SELECT 1 FROM appointments a
                  WHERE a.organization_id = NEW.organization_id AND a.resource_id = NEW.resource_id AND a.seat = NEW.seat
                    AND a.status = 'booked' AND a.starts_at < NEW.blocked_until AND a.blocked_until > NEW.starts_at);
END;
CREATE TRIGGER appointments_no_double_booking_update
BEFORE UPDATE OF organization_id, resource_id, seat, starts_at, blocked_until, status ON appointments WHEN NEW.status = 'booked'
BEGIN
    SELECT RAISE(ABORT, 'GW006: appointments_no_double_booking')
    WHERE EXISTS (SELECT 1 FROM appointments a
                  WHERE a.organization_id = NEW.organization_id AND a.resource_id = NEW.resource_id AND a.seat = NEW.seat
                    AND a.status = 'booked' AND a.starts_at < NEW.blocked_until AND a.blocked_until > NEW.starts_at
                    AND a.rowid <> OLD.rowid);
END;

-- ---------------------------------------------------------------------------------------------------------------
-- The directory's version, and updated_at
-- ---------------------------------------------------------------------------------------------------------------

CREATE TRIGGER directory_version_identifiers_insert AFTER INSERT ON identifiers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_identifiers_update AFTER UPDATE ON identifiers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_identifiers_delete AFTER DELETE ON identifiers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_organizations_insert AFTER INSERT ON organizations
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_organizations_update AFTER UPDATE OF slug, name, timezone, region, vapi_org_id, has_own_credentials, is_active, limits, settings, primary_language, secondary_languages ON organizations
WHEN (OLD.slug, OLD.name, OLD.timezone, OLD.region, OLD.vapi_org_id, OLD.has_own_credentials, OLD.is_active, OLD.limits, OLD.settings, OLD.primary_language, OLD.secondary_languages)
  IS NOT (NEW.slug, NEW.name, NEW.timezone, NEW.region, NEW.vapi_org_id, NEW.has_own_credentials, NEW.is_active, NEW.limits, NEW.settings, NEW.primary_language, NEW.secondary_languages)
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_organizations_delete AFTER DELETE ON organizations
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_credentials_insert AFTER INSERT ON credentials
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_credentials_update AFTER UPDATE OF organization_id, id, label, recipe, sealed_secret, sealing_key_id, not_before, not_after ON credentials
WHEN (OLD.organization_id, OLD.id, OLD.label, OLD.recipe, OLD.sealed_secret, OLD.sealing_key_id, OLD.not_before, OLD.not_after)
  IS NOT (NEW.organization_id, NEW.id, NEW.label, NEW.recipe, NEW.sealed_secret, NEW.sealing_key_id, NEW.not_before, NEW.not_after)
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_credentials_delete AFTER DELETE ON credentials
BEGIN
    UPDATE directory_version SET version = version + 1;
END;

-- What organizations declare is in the memory of every process.
CREATE TRIGGER directory_version_agents_insert AFTER INSERT ON agents
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_agents_update AFTER UPDATE ON agents
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_agents_delete AFTER DELETE ON agents
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_phone_numbers_insert AFTER INSERT ON phone_numbers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_phone_numbers_update AFTER UPDATE ON phone_numbers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_phone_numbers_delete AFTER DELETE ON phone_numbers
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_services_insert AFTER INSERT ON services
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_services_update AFTER UPDATE ON services
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_services_delete AFTER DELETE ON services
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_resources_insert AFTER INSERT ON resources
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_resources_update AFTER UPDATE ON resources
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_resources_delete AFTER DELETE ON resources
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_opening_hours_insert AFTER INSERT ON opening_hours
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_opening_hours_update AFTER UPDATE ON opening_hours
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_opening_hours_delete AFTER DELETE ON opening_hours
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_closures_insert AFTER INSERT ON closures
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_closures_update AFTER UPDATE ON closures
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_closures_delete AFTER DELETE ON closures
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_transfer_destinations_insert AFTER INSERT ON transfer_destinations
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_transfer_destinations_update AFTER UPDATE ON transfer_destinations
BEGIN
    UPDATE directory_version SET version = version + 1;
END;
CREATE TRIGGER directory_version_transfer_destinations_delete AFTER DELETE ON transfer_destinations
BEGIN
    UPDATE directory_version SET version = version + 1;
END;

-- updated_at moves with every change that does not set it. `now` stands still within one statement, which ends the
-- recursion where PRAGMA recursive_triggers is on.
CREATE TRIGGER organizations_touch AFTER UPDATE ON organizations
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE organizations SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER customer_configurations_touch AFTER UPDATE ON customer_configurations
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE customer_configurations SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER agents_touch AFTER UPDATE ON agents
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE agents SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER phone_numbers_touch AFTER UPDATE ON phone_numbers
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE phone_numbers SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER phone_number_mapping_touch AFTER UPDATE ON phone_number_mapping
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE phone_number_mapping SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER contacts_touch AFTER UPDATE ON contacts
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE contacts SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER appointments_touch AFTER UPDATE ON appointments
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE appointments SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER knowledge_documents_touch AFTER UPDATE ON knowledge_documents
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'
BEGIN
    UPDATE knowledge_documents SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
-- Use is not change.
CREATE TRIGGER credentials_touch AFTER UPDATE ON credentials
WHEN OLD.updated_at = NEW.updated_at AND NEW.updated_at <> strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' AND OLD.last_used_at IS NEW.last_used_at
BEGIN
    UPDATE credentials SET updated_at = strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' WHERE rowid = NEW.rowid;
END;
