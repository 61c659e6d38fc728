-- reconciliation: how far each gateway has been compared with us.

CREATE TABLE reconciliation_watermarks (
    gateway  text NOT NULL,
    livemode boolean NOT NULL,
    task     text NOT NULL CHECK (task IN ('attempts', 'events')),
    done_at  timestamptz NOT NULL,           -- everything the gateway made until then has been looked at
    next_at  timestamptz NOT NULL,           -- when to look again; moved ahead while somebody is at it
    PRIMARY KEY (gateway, livemode, task)
);
GRANT SELECT, INSERT, UPDATE ON reconciliation_watermarks TO jklg_app;
