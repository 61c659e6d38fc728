-- customers: travellers who have an account. A row is pending until its mailbox is proven; an erased one stays as an empty tombstone,
-- because bookings and books point at it.

CREATE TABLE customers (
    id                uuid PRIMARY KEY,
    email             text NOT NULL,             -- as typed
    mailbox           text NOT NULL GENERATED ALWAYS AS (lower(email)) STORED, -- looked for by this: lower() is not leakproof, so that behind
                                                 -- row-level security no index on it would be used
    password_hash     text,                      -- argon2id, or bcrypt of the system before ours; NULL: passkeys only
    name              text NOT NULL,
    phone             text NOT NULL DEFAULT '',
    avatar            text,                      -- the address of a picture of ours, or NULL
    address           text NOT NULL DEFAULT '',
    city              text NOT NULL DEFAULT '',
    state_province    text NOT NULL DEFAULT '',
    postal_code       text NOT NULL DEFAULT '',
    country           text NOT NULL DEFAULT '',
    date_of_birth     date,
    gender            text NOT NULL DEFAULT '',
    preferences       jsonb NOT NULL DEFAULT '{}',
    status            text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'inactive', 'suspended', 'deleted')),
    is_email_verified boolean NOT NULL DEFAULT false,
    email_verified_at timestamptz,
    joined_from       text NOT NULL DEFAULT '',  -- the network of the registration, kept until the mailbox is proven
    last_login        timestamptz,
    total_bookings    bigint NOT NULL DEFAULT 0 CHECK (total_bookings >= 0),
    total_spent       bigint NOT NULL DEFAULT 0, -- minor units of spent_currency
    spent_currency    char(3),
    loyalty_points    integer NOT NULL DEFAULT 0 CHECK (loyalty_points >= 0),
    created_at        timestamptz NOT NULL DEFAULT house_now(),
    updated_at        timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT customers_active_means_verified CHECK (status <> 'active' OR is_email_verified),
    CONSTRAINT customers_verified_at_some_time CHECK (is_email_verified = (email_verified_at IS NOT NULL)),
    CONSTRAINT customers_erased_hold_nothing CHECK (
        status <> 'deleted' OR (email = '' AND password_hash IS NULL AND name = '' AND phone = '' AND avatar IS NULL AND address = ''
            AND city = '' AND state_province = '' AND postal_code = '' AND country = '' AND date_of_birth IS NULL AND gender = ''
            AND preferences = '{}' AND joined_from = '' AND NOT is_email_verified)
    )
);
-- Anybody may claim an address; only one account can have proven it.
CREATE UNIQUE INDEX customers_email_verified_once ON customers (mailbox) WHERE is_email_verified;
-- Sign-in: the proven account of an address, else the newest claim to it.
CREATE INDEX customers_of_email ON customers (mailbox, is_email_verified DESC, created_at DESC);
CREATE INDEX customers_pending_by_age ON customers (created_at) WHERE status = 'pending';
CREATE TRIGGER customers_touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- customers/sessions: signed-in devices.
CREATE TABLE customer_sessions (
    id            uuid PRIMARY KEY,              -- `sid` of the token
    customer_id   uuid NOT NULL REFERENCES customers,
    token_hash    bytea NOT NULL UNIQUE,
    created_at    timestamptz NOT NULL DEFAULT house_now(),
    expires_at    timestamptz NOT NULL,          -- 7 days, whether it is used or not
    last_seen_at  timestamptz NOT NULL DEFAULT house_now(),
    proved_at     timestamptz NOT NULL DEFAULT house_now(), -- when this session last proved who it is: changes of e-mail, password, factors ask for that
    ip_address    inet,
    user_agent    text NOT NULL DEFAULT '',
    device_info   text NOT NULL DEFAULT '',      -- "Firefox on Android", for people
    signed_in_by  text NOT NULL DEFAULT 'password' CHECK (signed_in_by IN ('registration', 'password', 'totp', 'recovery_code', 'passkey')),
    is_active     boolean NOT NULL DEFAULT true,
    revoked_at    timestamptz,
    CONSTRAINT customer_sessions_revoked_or_active CHECK (is_active = (revoked_at IS NULL))
);
CREATE INDEX customer_sessions_of_customer ON customer_sessions (customer_id, last_seen_at DESC);
CREATE INDEX customer_sessions_by_end ON customer_sessions (expires_at);

CREATE VIEW active_customer_sessions WITH (security_invoker = true) AS
SELECT id, customer_id, created_at, expires_at, last_seen_at, proved_at, ip_address, user_agent, device_info, signed_in_by
FROM customer_sessions WHERE is_active AND expires_at > house_now();

-- customers/proofs: links and codes that were mailed. The token and the code are made of the house's secret and the row's id, and lie nowhere.
CREATE TABLE email_verification_tokens (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    purpose     text NOT NULL CHECK (purpose IN ('verify', 'change', 'undo')),
    email       text NOT NULL,                   -- the mailbox it proves
    token_hash  bytea NOT NULL UNIQUE,
    tries       integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5), -- at the typed code
    used        boolean NOT NULL DEFAULT false,
    used_at     timestamptz,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT email_verification_tokens_used_once CHECK (used = (used_at IS NOT NULL))
);
CREATE INDEX email_verification_tokens_of_customer ON email_verification_tokens (customer_id, created_at DESC);
CREATE INDEX email_verification_tokens_by_end ON email_verification_tokens (expires_at);

CREATE TABLE password_reset_tokens (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    token_hash  bytea NOT NULL UNIQUE,
    used        boolean NOT NULL DEFAULT false,
    used_at     timestamptz,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT password_reset_tokens_used_once CHECK (used = (used_at IS NOT NULL))
);
CREATE INDEX password_reset_tokens_of_customer ON password_reset_tokens (customer_id, created_at DESC);
CREATE INDEX password_reset_tokens_by_end ON password_reset_tokens (expires_at);

-- customers/factors: second factors and passkeys.
CREATE TABLE customer_totp (
    customer_id  uuid PRIMARY KEY REFERENCES customers,
    secret       bytea NOT NULL,                 -- encrypted with a key made of the house's secret
    key_id       text NOT NULL,                  -- which of the house's secrets
    confirmed_at timestamptz,                    -- NULL: shown, not yet proven
    last_step    bigint NOT NULL DEFAULT 0,      -- a code is good once (RFC 6238, 5.2)
    created_at   timestamptz NOT NULL DEFAULT house_now()
);

CREATE TABLE customer_passkeys (
    id            uuid PRIMARY KEY,
    customer_id   uuid NOT NULL REFERENCES customers,
    credential_id bytea NOT NULL UNIQUE,
    public_key    bytea NOT NULL,
    sign_count    bigint NOT NULL DEFAULT 0,
    transports    text[] NOT NULL DEFAULT '{}',
    backed_up     boolean NOT NULL DEFAULT false,
    name          text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT house_now(),
    last_used_at  timestamptz
);
CREATE INDEX customer_passkeys_of_customer ON customer_passkeys (customer_id, created_at);

CREATE TABLE customer_recovery_codes (
    customer_id uuid NOT NULL REFERENCES customers,
    code_hash   bytea NOT NULL,
    used_at     timestamptz,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (customer_id, code_hash)
);

-- Half-done sign-ins and passkey ceremonies: answered once, soon, or never.
CREATE TABLE customer_challenges (
    id          uuid PRIMARY KEY,
    customer_id uuid REFERENCES customers,       -- NULL: a passkey may still be anybody's
    purpose     text NOT NULL CHECK (purpose IN ('second_factor', 'add_passkey', 'passkey_sign_in', 'passkey_proof')),
    token_hash  bytea NOT NULL UNIQUE,           -- of the token that the browser brings back
    challenge   bytea,                           -- for WebAuthn
    tries       integer NOT NULL DEFAULT 0,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX customer_challenges_by_end ON customer_challenges (expires_at);
CREATE INDEX customer_challenges_of_customer ON customer_challenges (customer_id);

-- customers/profile: what a customer tells of themselves.
CREATE TABLE customer_addresses (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    label       text NOT NULL,
    street      text NOT NULL,
    city        text NOT NULL,
    state       text NOT NULL DEFAULT '',
    postal_code text NOT NULL DEFAULT '',
    country     text NOT NULL,
    is_default  boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    updated_at  timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX customer_addresses_of_customer ON customer_addresses (customer_id, created_at);
CREATE UNIQUE INDEX customer_addresses_one_default ON customer_addresses (customer_id) WHERE is_default;
CREATE TRIGGER customer_addresses_touched BEFORE UPDATE ON customer_addresses FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE customer_preferences (
    customer_id      uuid NOT NULL REFERENCES customers,
    preference_key   text NOT NULL,
    preference_value text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT house_now(),
    updated_at       timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (customer_id, preference_key)
);
CREATE TRIGGER customer_preferences_touched BEFORE UPDATE ON customer_preferences FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE customer_pictures (
    customer_id uuid PRIMARY KEY REFERENCES customers,
    media_type  text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
    content     bytea NOT NULL CHECK (octet_length(content) <= 1048576),
    created_at  timestamptz NOT NULL DEFAULT house_now()
);

-- customers/sessions: who asks is a customer, {"role": "customer", "sub": <customer>, "sid": <session>}. Called first in a database transaction on their behalf, in the
-- same round trip as BEGIN: a session that was ended fails on its next request. JK401: not signed in; JK403: the mailbox is not proven yet.
CREATE FUNCTION enter_as_customer(p_pending_too boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_now  timestamptz := house_now();
    v_sub  uuid := claim('sub')::uuid;
    v_sid  uuid := claim('sid')::uuid;
    v_seen timestamptz;
    v_status text;
BEGIN
    SELECT s.last_seen_at, c.status INTO v_seen, v_status
    FROM customer_sessions s JOIN customers c ON c.id = s.customer_id
    WHERE s.id = v_sid AND s.customer_id = v_sub AND s.is_active AND s.expires_at > v_now AND c.status IN ('pending', 'active');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this session has ended' USING ERRCODE = 'JK401';
    END IF;
    IF v_status = 'pending' AND NOT p_pending_too THEN
        RAISE EXCEPTION 'this mailbox is not proven yet' USING ERRCODE = 'JK403';
    END IF;
    IF v_seen < v_now - interval '5 minutes' THEN -- nobody waits for that: whoever has the row now writes more important things
        UPDATE customer_sessions SET last_seen_at = v_now WHERE id = (SELECT id FROM customer_sessions WHERE id = v_sid FOR UPDATE SKIP LOCKED);
    END IF;
END $$;

-- The same for one statement that is its own database transaction.
CREATE FUNCTION become_customer(p_customer uuid, p_session uuid, p_pending_too boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', format('{"role":"customer","sub":"%s","sid":"%s"}', p_customer, p_session), true);
    PERFORM enter_as_customer(p_pending_too);
END $$;

-- GET /api/customers/me: the session, its customer's rights and the answer, in one statement.
CREATE FUNCTION customer_me(p_customer uuid, p_session uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM become_customer(p_customer, p_session, true);
    SELECT json_build_object('customer', json_build_object(
        'id', c.id, 'email', c.email, 'name', c.name, 'phone', nullif(c.phone, ''), 'avatar', c.avatar, 'address', nullif(c.address, ''),
        'verified_at', c.email_verified_at, 'status', c.status, 'created_at', c.created_at, 'loyalty_points', c.loyalty_points))::text
    INTO answer FROM customers c WHERE c.id = p_customer;
    RETURN answer;
END $$;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE email_verification_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_reset_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_totp ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_passkeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_pictures ENABLE ROW LEVEL SECURITY;
ALTER TABLE history ENABLE ROW LEVEL SECURITY;

CREATE POLICY customers_of_the_house ON customers USING ((SELECT claim('role')) = 'system');
CREATE POLICY customers_seen_by_staff ON customers FOR SELECT USING ((SELECT claim('role')) = 'staff');
CREATE POLICY customers_own ON customers FOR SELECT USING (id = (SELECT claim('sub'))::uuid);
CREATE POLICY customers_own_edited ON customers FOR UPDATE USING (id = (SELECT claim('sub'))::uuid);
CREATE POLICY customer_sessions_of_the_house ON customer_sessions USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_sessions_own ON customer_sessions FOR SELECT USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY customer_sessions_own_edited ON customer_sessions FOR UPDATE USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY email_verification_tokens_of_the_house ON email_verification_tokens USING ((SELECT claim('role')) = 'system');
CREATE POLICY password_reset_tokens_of_the_house ON password_reset_tokens USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_totp_of_the_house ON customer_totp USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_passkeys_of_the_house ON customer_passkeys USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_recovery_codes_of_the_house ON customer_recovery_codes USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_challenges_of_the_house ON customer_challenges USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_addresses_of_the_house ON customer_addresses USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_addresses_own ON customer_addresses USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY customer_preferences_of_the_house ON customer_preferences USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_preferences_own ON customer_preferences USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY customer_pictures_of_the_house ON customer_pictures USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_pictures_own ON customer_pictures USING (customer_id = (SELECT claim('sub'))::uuid);
CREATE POLICY history_written_by_all ON history FOR INSERT WITH CHECK (true);
CREATE POLICY history_of_the_house ON history FOR SELECT USING ((SELECT claim('role')) IN ('system', 'staff'));
CREATE POLICY history_own ON history FOR SELECT USING (subject_id = (SELECT claim('sub'))::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON customers, customer_sessions, email_verification_tokens, password_reset_tokens, customer_totp, customer_passkeys,
    customer_recovery_codes, customer_challenges, customer_addresses, customer_preferences, customer_pictures TO jklg_app;
GRANT SELECT ON active_customer_sessions TO jklg_app;

ALTER TABLE bookings ADD CONSTRAINT bookings_customer FOREIGN KEY (customer_id) REFERENCES customers;
CREATE INDEX bookings_of_customer ON bookings (customer_id, created_at DESC) WHERE customer_id IS NOT NULL;
