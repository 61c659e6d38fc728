-- bookings/travellers: private links with which those who travel along fill in their own details. The token is derived from the id and
-- stands nowhere.

CREATE TABLE traveller_links (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES bookings,
    category     text NOT NULL CHECK (category IN ('adult', 'child', 'infant')),
    traveller_id uuid REFERENCES travellers,  -- whose it is; none while the place has no name
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    used_at      timestamptz,                 -- when somebody filled something in with it, last
    revoked_at   timestamptz                  -- opens nothing any more
);
CREATE INDEX traveller_links_of_booking ON traveller_links (booking_id, created_at, id) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX traveller_links_one_for_a_traveller ON traveller_links (traveller_id) WHERE revoked_at IS NULL;

ALTER TABLE traveller_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY traveller_links_of_the_house ON traveller_links USING ((SELECT claim('role')) = 'system');
CREATE POLICY traveller_links_seen_by_guest ON traveller_links FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
GRANT SELECT, INSERT, UPDATE ON traveller_links TO jklg_app;
