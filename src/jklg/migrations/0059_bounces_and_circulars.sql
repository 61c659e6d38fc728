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
