-- limits: how often something may be tried. One row for what has been tried lately; subjects are hashes, so that no address lies here.
-- The generic cell rate algorithm: a measure of so many tries refills evenly, and `full_at` is when it is full again. A row whose measure is full says
-- nothing that no row would not say.

CREATE TABLE limits (
    subject bytea PRIMARY KEY,
    whose   bytea NOT NULL,
    full_at timestamptz NOT NULL
);
CREATE INDEX limits_of_somebody ON limits (whose);
CREATE INDEX limits_full ON limits (full_at);

-- Take one from each measure, or from none: 0 when taken, else the seconds to wait. Rows are locked in the order of their subjects, so that two
-- who want the same wait for each other and never for ever.
CREATE FUNCTION take_from_limits(p_subjects bytea[], p_whose bytea[], p_times integer[], p_seconds integer[]) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_now  timestamptz := house_now();
    v_wait double precision;
BEGIN
    INSERT INTO limits (subject, whose, full_at)
    SELECT t.subject, t.whose, v_now FROM unnest(p_subjects, p_whose) AS t(subject, whose) ORDER BY t.subject
    ON CONFLICT (subject) DO UPDATE SET full_at = greatest(limits.full_at, v_now);
    SELECT max(extract(epoch FROM l.full_at - v_now) - t.seconds + t.seconds::double precision / t.times) INTO v_wait
    FROM unnest(p_subjects, p_times, p_seconds) AS t(subject, times, seconds) JOIN limits l USING (subject);
    IF v_wait > 0.001 THEN
        RETURN ceil(v_wait);
    END IF;
    UPDATE limits l SET full_at = l.full_at + make_interval(secs => t.seconds::double precision / t.times)
    FROM unnest(p_subjects, p_times, p_seconds) AS t(subject, times, seconds) WHERE l.subject = t.subject;
    RETURN 0;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON limits TO jklg_app;

DROP TABLE staff_sign_in_failures;
