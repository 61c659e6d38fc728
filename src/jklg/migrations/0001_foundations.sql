-- The ground floor: the role the application acts as, the house clock, who is asking, and rows that never change.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jklg_app') THEN
        CREATE ROLE jklg_app NOLOGIN NOBYPASSRLS;
    END IF;
    -- Whoever migrates may also act as the application: one DATABASE_URL is enough to run the house.
    BEGIN
        EXECUTE format('GRANT jklg_app TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege THEN  -- another house on this server made the role
        IF NOT pg_has_role(current_user, 'jklg_app', 'MEMBER') THEN
            RAISE EXCEPTION 'the role jklg_app belongs to somebody else here'
                USING HINT = format('As a superuser: GRANT jklg_app TO %I', current_user);
        END IF;
    END;
END $$;

GRANT USAGE ON SCHEMA public TO jklg_app;

-- Every deadline in the house asks this clock: the database's own. A session may carry another moment in `jklg.clock`;
-- only the tests, the simulation and rehearsals set it.
CREATE FUNCTION house_now() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
RETURN coalesce(nullif(current_setting('jklg.clock', true), '')::timestamptz, clock_timestamp());

-- Who is asking, by the convention of PostgREST and Supabase. Policies write (SELECT claim('role')) so that it is read once a query.
CREATE FUNCTION claim(name text) RETURNS text
LANGUAGE sql STABLE
RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> name;

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := house_now();
    RETURN NEW;
END $$;

-- history: who changed what. Append-only, for the application and for the owner alike.
CREATE TABLE history (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at  timestamptz NOT NULL DEFAULT house_now(),
    actor        text NOT NULL,              -- 'system', 'guest', 'staff:<uuid>', 'customer:<uuid>', 'gateway:stripe'
    action       text NOT NULL,              -- 'booking.held', 'booking.confirmed', ...
    subject_type text NOT NULL,
    subject_id   uuid NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX history_of_subject ON history (subject_id, id);
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE ON history FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_never_truncated BEFORE TRUNCATE ON history FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON history TO jklg_app;

-- web: answers kept for requests that carry an Idempotency-Key (payments.md 1.5).
CREATE TABLE idempotency_keys (
    scope        text NOT NULL,              -- the signed-in person, or the guest's network address
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,             -- SHA-256 of method, path, query and body
    resource_id  uuid NOT NULL,              -- the id the first try uses; a later try resumes with the same one
    owner        uuid NOT NULL,              -- the try that is at work; another may take over when its lease has run out
    locked_until timestamptz NOT NULL,
    status       smallint,                   -- NULL while the first try runs
    body         bytea,
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO jklg_app;
