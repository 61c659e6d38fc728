-- departures: a departure was moved to other days. Kept as it was done: who moved it, from which days, and what travellers were told of it.

CREATE TABLE departure_moves (
    id            uuid PRIMARY KEY,          -- of the form it was asked with, so that pressed twice it is once
    departure_id  uuid NOT NULL REFERENCES departures,
    old_starts_on date NOT NULL,
    old_ends_on   date NOT NULL,
    starts_on     date NOT NULL,
    ends_on       date NOT NULL,
    words         text NOT NULL DEFAULT '',  -- to the travellers, as staff wrote them
    actor         text NOT NULL,
    moved_at      timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT departure_moves_move_something CHECK ((old_starts_on, old_ends_on) <> (starts_on, ends_on)),
    CONSTRAINT departure_moves_end_after_they_start CHECK (ends_on >= starts_on)
);
CREATE INDEX departure_moves_of_departure ON departure_moves (departure_id, moved_at DESC);

ALTER TABLE departure_moves ENABLE ROW LEVEL SECURITY;
CREATE POLICY departure_moves_by_the_house ON departure_moves USING ((SELECT claim('role')) = 'system');
CREATE POLICY departure_moves_seen ON departure_moves FOR SELECT USING (true);
GRANT SELECT, INSERT ON departure_moves TO jklg_app;

-- bookings: those of a departure that is moved know their day. They are locked by their ids, as everybody locks them who locks several.
CREATE OR REPLACE FUNCTION bookings_follow_their_departure() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM bookings WHERE departure_id = NEW.id ORDER BY id FOR UPDATE;
    UPDATE bookings SET travels_on = NEW.starts_on WHERE departure_id = NEW.id;
    RETURN NULL;
END $$;
