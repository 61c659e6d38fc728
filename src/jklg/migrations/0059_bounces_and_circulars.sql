-- mail: whoever wants no letters besides those about their own journeys says so; a mail that may be stopped carries the link.

ALTER TABLE mail_outbox ADD COLUMN may_be_stopped boolean NOT NULL DEFAULT false;

CREATE TABLE mail_stops (
    mailbox    text PRIMARY KEY,             -- as mail_outbox.mailbox
    stopped_at timestamptz NOT NULL DEFAULT house_now()
);
ALTER TABLE mail_stops ENABLE ROW LEVEL SECURITY;
CREATE POLICY mail_stops_of_the_house ON mail_stops USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, DELETE ON mail_stops TO jklg_app;

-- mail/bounces: a mail that nobody took, or that came back. Whose mailbox it was stands in the outbox, and is forgotten with it.

CREATE TABLE mail_bounces (
    mail_id     uuid NOT NULL REFERENCES mail_outbox,
    heard       text NOT NULL CHECK (heard IN ('refused', 'reported')), -- by the server that we gave it to, or in a report that came later
    hard        boolean NOT NULL,            -- there is no such mailbox, and asking again changes nothing
    code        text NOT NULL,               -- '550 5.1.1', '5.2.2', '550'
    said        text NOT NULL,               -- by the other server
    bounced_at  timestamptz NOT NULL DEFAULT house_now(),
    forgiven_at timestamptz,                 -- somebody of the staff knows that the address is good again
    CONSTRAINT mail_bounces_once PRIMARY KEY (mail_id)
);
CREATE INDEX mail_bounces_hard ON mail_bounces (mail_id) WHERE hard AND forgiven_at IS NULL;

ALTER TABLE mail_bounces ENABLE ROW LEVEL SECURITY;
CREATE POLICY mail_bounces_of_the_house ON mail_bounces USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_bounces TO jklg_app;

CREATE FUNCTION mail_bounced(p_address text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM mail_outbox m JOIN mail_bounces b ON b.mail_id = m.id
                   WHERE m.mailbox = lower(p_address) AND b.hard AND b.forgiven_at IS NULL);
$$;

CREATE FUNCTION mail_bounces_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM mail_bounces WHERE mail_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER mail_bounces_forget AFTER UPDATE OF state ON mail_outbox
    FOR EACH ROW WHEN (NEW.state = 'erased') EXECUTE FUNCTION mail_bounces_forget();

-- bookings/circulars: one message of the staff to many travellers. One row for each of them, written with it; a worker goes along the rows.

CREATE TABLE circulars (
    id           uuid PRIMARY KEY,           -- of the form it was asked with, so that pressed twice it is once
    subject      text NOT NULL CHECK (subject <> ''),
    words        text NOT NULL CHECK (words <> ''),
    departure_id uuid REFERENCES departures,
    package_id   uuid REFERENCES packages,
    status       text NOT NULL DEFAULT 'sending' CHECK (status IN ('sending', 'paused', 'stopped', 'done')),
    actor        text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    ended_at     timestamptz,                -- stopped or done
    CONSTRAINT circulars_go_to_one_audience CHECK (num_nonnulls(departure_id, package_id) = 1)
);
CREATE INDEX circulars_sending ON circulars (created_at, id) WHERE status = 'sending';
CREATE INDEX circulars_by_age ON circulars (created_at DESC, id DESC);

CREATE TABLE circular_recipients (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    circular_id uuid NOT NULL REFERENCES circulars,
    booking_id  uuid NOT NULL REFERENCES bookings,
    mailbox     text NOT NULL,               -- as mail_outbox.mailbox; the row's own id once its owner is forgotten
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'written', 'left_out')),
    reason      text NOT NULL DEFAULT '' CHECK (reason IN ('', 'bounced', 'not_travelling', 'gone')),
    written_at  timestamptz,
    CONSTRAINT circular_recipients_once UNIQUE (circular_id, mailbox),
    CONSTRAINT circular_recipients_say_why CHECK ((state = 'left_out') = (reason <> ''))
);
CREATE INDEX circular_recipients_waiting ON circular_recipients (circular_id, id) WHERE state = 'waiting';
CREATE INDEX circular_recipients_written ON circular_recipients (written_at) WHERE state = 'written';
CREATE INDEX circular_recipients_of_booking ON circular_recipients (booking_id);

ALTER TABLE circulars ENABLE ROW LEVEL SECURITY;
ALTER TABLE circular_recipients ENABLE ROW LEVEL SECURITY;
CREATE POLICY circulars_of_the_house ON circulars USING ((SELECT claim('role')) = 'system');
CREATE POLICY circular_recipients_of_the_house ON circular_recipients USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE ON circulars, circular_recipients TO jklg_app;
