-- enquiries: what people write to the agency, and what staff answer. The tables have the names of the system before.

CREATE TABLE support_tickets (
    id                uuid PRIMARY KEY,
    number            integer GENERATED ALWAYS AS IDENTITY (START WITH 1001), -- what people call it
    subject           text NOT NULL,
    customer          text NOT NULL,             -- the name as it was typed; nobody has proven anything
    email             text NOT NULL,
    booking_reference text NOT NULL DEFAULT '',  -- as it was typed: whether there is such a booking is looked up by staff only
    locale            text NOT NULL DEFAULT 'en',
    status            text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'answered', 'closed')),
    digest            bytea NOT NULL,            -- of everything that was typed
    created_at        timestamptz NOT NULL DEFAULT house_now(),
    moved_at          timestamptz NOT NULL DEFAULT house_now(), -- since when it is in this state
    CONSTRAINT support_tickets_number_once UNIQUE (number),
    CONSTRAINT support_tickets_said_once UNIQUE (digest)
);
CREATE INDEX support_tickets_by_status ON support_tickets (status, moved_at, id);
CREATE INDEX support_tickets_of_email ON support_tickets (lower(email));

CREATE TABLE ticket_messages (
    id         uuid PRIMARY KEY,
    ticket_id  uuid NOT NULL REFERENCES support_tickets ON DELETE CASCADE,
    from_type  text NOT NULL CHECK (from_type IN ('customer', 'agent')),
    name       text NOT NULL,
    message    text NOT NULL CONSTRAINT ticket_messages_say_something CHECK (message <> ''),
    created_at timestamptz NOT NULL DEFAULT house_now()
);
CREATE INDEX ticket_messages_of_ticket ON ticket_messages (ticket_id, created_at, id);

ALTER TABLE support_tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY support_tickets_of_the_house ON support_tickets USING ((SELECT claim('role')) = 'system');
CREATE POLICY ticket_messages_of_the_house ON ticket_messages USING ((SELECT claim('role')) = 'system');
GRANT SELECT, INSERT, UPDATE, DELETE ON support_tickets TO jklg_app;
GRANT SELECT, INSERT, DELETE ON ticket_messages TO jklg_app;
