-- payments: what goes wrong with one attempt is written down with it, so that the others go on and it comes back with growing pauses.
ALTER TABLE transactions
    ADD COLUMN stumbles integer NOT NULL DEFAULT 0,  -- failures in a row, in the house itself: nothing that a gateway has said
    ADD COLUMN stumbled_over text;                   -- the last of them
