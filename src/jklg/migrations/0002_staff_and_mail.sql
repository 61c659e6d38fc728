-- staff: who works at the agency.
CREATE TABLE staff (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    email         text NOT NULL,
    role          text NOT NULL CHECK (role IN ('Admin', 'Manager', 'Guide', 'Support')),
    password_hash text NOT NULL,
    is_active     boolean NOT NULL DEFAULT true,
    last_login    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT house_now()
);
CREATE UNIQUE INDEX staff_email_once ON staff (lower(email));

CREATE TABLE staff_sessions (
    token_hash   bytea PRIMARY KEY,
    staff_id     uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    expires_at   timestamptz NOT NULL,
    ip_address   inet,
    user_agent   text
);
CREATE INDEX staff_sessions_of_staff ON staff_sessions (staff_id);

-- Failed sign-ins, by account and by network: the rate limit that holds across processes.
CREATE TABLE staff_sign_in_failures (
    subject    text NOT NULL,
    failed_at  timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX staff_sign_in_failures_recent ON staff_sign_in_failures (subject, failed_at);

ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_by_the_house ON staff USING ((SELECT claim('role')) IN ('system', 'staff'));
CREATE POLICY staff_sessions_by_the_house ON staff_sessions USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE ON staff TO jklg_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_sessions TO jklg_app;
GRANT SELECT, INSERT, DELETE ON staff_sign_in_failures TO jklg_app;

-- mail: the outbox. A mail is written in the database transaction of the fact it tells of, and sent afterwards.
CREATE TABLE mail_outbox (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,           -- 'booking_confirmed', 'payment_receipt', ...
    once_key        text NOT NULL,           -- what this mail is about; the same mail is never written twice
    to_address      text NOT NULL,
    to_name         text NOT NULL,
    subject         text NOT NULL,
    text_body       text NOT NULL,
    html_body       text NOT NULL,
    message_id      text NOT NULL,           -- fixed before the first try, so that a repeat can be recognised
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'caught', 'dead')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT house_now(),
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT house_now(),
    sent_at         timestamptz,
    CONSTRAINT mail_outbox_once UNIQUE (once_key),
    CONSTRAINT mail_outbox_message_id_once UNIQUE (message_id)
);
CREATE INDEX mail_outbox_due ON mail_outbox (next_attempt_at) WHERE state = 'queued';
ALTER TABLE mail_outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY mail_outbox_by_the_house ON mail_outbox USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE ON mail_outbox TO jklg_app;
