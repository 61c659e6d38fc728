-- reviews: what travellers say of a journey they have been on, one for each booking; and words that the agency was told otherwise.
-- The table has the name of the system before.

CREATE TABLE testimonials (
    id         uuid PRIMARY KEY,
    booking_id uuid REFERENCES bookings,     -- none: told to the agency otherwise, or made up for a demonstration
    package_id uuid REFERENCES packages ON DELETE CASCADE,
    made_up    boolean NOT NULL DEFAULT false, -- for a demonstration: marked as such, counted nowhere, not shown in production
    name       text NOT NULL CHECK (name <> ''), -- as it is shown: a first name
    rating     smallint NOT NULL CONSTRAINT testimonials_have_one_to_five_stars CHECK (rating BETWEEN 1 AND 5),
    message    text NOT NULL CHECK (message <> ''),
    status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'published', 'rejected')),
    reason     text NOT NULL DEFAULT '',     -- why it was refused; told to whoever wrote it
    reply      text NOT NULL DEFAULT '',     -- of the agency, shown below it
    chosen     boolean NOT NULL DEFAULT false, -- stands on /testimonials
    created_at timestamptz NOT NULL DEFAULT house_now(),
    decided_at timestamptz,                  -- published or refused
    CONSTRAINT testimonials_one_for_a_booking UNIQUE (booking_id),
    CONSTRAINT testimonials_of_travellers_or_told CHECK (
        CASE WHEN made_up THEN booking_id IS NULL AND package_id IS NOT NULL ELSE (booking_id IS NULL) = (package_id IS NULL) END),
    CONSTRAINT testimonials_are_refused_with_a_reason CHECK (status <> 'rejected' OR reason <> ''),
    CONSTRAINT testimonials_are_published_before_they_are_chosen CHECK (status = 'published' OR NOT chosen)
);
CREATE INDEX testimonials_of_package ON testimonials (package_id, decided_at DESC, id DESC) INCLUDE (rating, made_up) WHERE status = 'published';
CREATE INDEX testimonials_chosen ON testimonials (decided_at DESC, id DESC) WHERE chosen;
CREATE INDEX testimonials_by_status ON testimonials (status, created_at DESC, id DESC);

-- Only of a journey that is over, only of the package that was booked; and whatever staff do with it, the words stay the traveller's.
CREATE FUNCTION testimonials_keep_their_word() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.booking_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM bookings b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id
            WHERE b.id = NEW.booking_id AND p.id = NEW.package_id
              AND (b.status = 'completed' OR (b.status = 'confirmed' AND d.ends_on < (house_now() AT TIME ZONE p.time_zone)::date))) THEN
            RAISE EXCEPTION 'nobody has travelled on booking % yet', NEW.booking_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'testimonials_after_the_journey';
        END IF;
    ELSIF (NEW.id, NEW.booking_id, NEW.package_id, NEW.made_up, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.booking_id, OLD.package_id, OLD.made_up, OLD.created_at)
       OR (OLD.booking_id IS NOT NULL AND (NEW.name, NEW.rating, NEW.message) IS DISTINCT FROM (OLD.name, OLD.rating, OLD.message)) THEN
        RAISE EXCEPTION 'what a traveller has said cannot be edited'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'testimonials_words_are_theirs';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER testimonials_keep_their_word BEFORE INSERT OR UPDATE ON testimonials FOR EACH ROW EXECUTE FUNCTION testimonials_keep_their_word();

ALTER TABLE testimonials ENABLE ROW LEVEL SECURITY;
CREATE POLICY testimonials_of_the_house ON testimonials USING ((SELECT claim('role')) = 'system');
CREATE POLICY testimonials_shown_to_everybody ON testimonials FOR SELECT USING (status = 'published');
CREATE POLICY testimonials_own ON testimonials FOR SELECT USING (booking_id = (SELECT claim('booking_id'))::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON testimonials TO jklg_app;
