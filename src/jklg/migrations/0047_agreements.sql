-- bookings/agreements: the booking terms word for word, as customers agreed to them. Each text is kept once; `bookings.terms_version` names it.

CREATE TABLE agreement_texts (
    mark    text PRIMARY KEY,                -- what a booking says it agreed to: version, language and digest
    version text NOT NULL,
    locale  text NOT NULL,
    body    text NOT NULL,                   -- short markup (web/markup.py), never HTML
    digest  bytea NOT NULL,                  -- SHA-256 of the body
    kept_at timestamptz NOT NULL DEFAULT house_now(), -- when somebody agreed to it first
    CONSTRAINT agreement_texts_are_what_their_digest_says CHECK (digest = sha256(convert_to(body, 'UTF8'))),
    CONSTRAINT agreement_texts_have_their_own_mark CHECK (mark = version || '-' || locale || '-' || encode(digest, 'hex'))
);
CREATE TRIGGER agreement_texts_append_only BEFORE UPDATE OR DELETE ON agreement_texts FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE agreement_texts ENABLE ROW LEVEL SECURITY;
CREATE POLICY agreement_texts_of_the_house ON agreement_texts USING ((SELECT claim('role')) = 'system');
CREATE POLICY agreement_texts_shown_to_everybody ON agreement_texts FOR SELECT USING (true);
GRANT SELECT, INSERT ON agreement_texts TO jklg_app;

-- bookings: what was agreed to when a booking was made stays.
CREATE FUNCTION bookings_keep_what_was_agreed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was agreed to with booking % cannot be edited', OLD.reference
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bookings_agreed_once';
END $$;
CREATE TRIGGER bookings_keep_what_was_agreed BEFORE UPDATE OF terms_version ON bookings
    FOR EACH ROW WHEN (NEW.terms_version IS DISTINCT FROM OLD.terms_version) EXECUTE FUNCTION bookings_keep_what_was_agreed();
