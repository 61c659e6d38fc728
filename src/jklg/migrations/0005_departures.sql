-- departures: a package on a date, with its price and its allotment. Seats are moved by departures_move_seats() and by nothing else.

CREATE TABLE departures (
    id            uuid PRIMARY KEY,
    package_id    uuid NOT NULL REFERENCES packages,
    starts_on     date NOT NULL,
    ends_on       date NOT NULL,
    cutoff_at     timestamptz NOT NULL,      -- no new booking from this moment on
    currency      char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    allotment     integer NOT NULL,
    seats_taken   integer NOT NULL DEFAULT 0,
    status        text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed', 'cancelled')),
    guaranteed    boolean NOT NULL DEFAULT false,
    price_version integer NOT NULL DEFAULT 1, -- raised by every change of a price, so that an old quote is recognised
    created_at    timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT departures_end_after_they_start CHECK (ends_on >= starts_on),
    CONSTRAINT departures_allotment_sensible CHECK (allotment BETWEEN 0 AND 10000),
    CONSTRAINT departures_never_oversold CHECK (seats_taken <= allotment),
    CONSTRAINT departures_seats_never_negative CHECK (seats_taken >= 0)
);
CREATE INDEX departures_of_package ON departures (package_id, starts_on);
CREATE INDEX departures_by_date ON departures (starts_on);

-- The price of one person of a category. Ages are whole years on the day of departure, both ends included.
CREATE TABLE departure_prices (
    departure_id uuid NOT NULL REFERENCES departures ON DELETE CASCADE,
    category     text NOT NULL CHECK (category IN ('adult', 'child', 'infant', 'single_supplement')),
    amount       bigint NOT NULL CHECK (amount >= 0),
    min_age      integer NOT NULL DEFAULT 0,
    max_age      integer NOT NULL DEFAULT 150,
    takes_seat   boolean NOT NULL DEFAULT true,  -- an infant travels on a lap; a single supplement is not a person
    PRIMARY KEY (departure_id, category),
    CHECK (min_age <= max_age),
    CHECK (category <> 'single_supplement' OR NOT takes_seat)
);

CREATE TABLE departure_extras (
    departure_id uuid NOT NULL REFERENCES departures ON DELETE CASCADE,
    extra_id     uuid NOT NULL REFERENCES extras,
    amount       bigint NOT NULL CHECK (amount >= 0),
    stock        integer CHECK (stock >= 0), -- NULL: as many as are asked for
    taken        integer NOT NULL DEFAULT 0,
    PRIMARY KEY (departure_id, extra_id),
    CONSTRAINT extras_never_oversold CHECK (stock IS NULL OR taken <= stock),
    CONSTRAINT extras_never_negative CHECK (taken >= 0)
);

CREATE FUNCTION departures_move_seats(p_departure_id uuid, p_delta integer) RETURNS void
LANGUAGE sql AS $$
    UPDATE departures SET seats_taken = seats_taken + p_delta WHERE id = p_departure_id;
$$;

CREATE FUNCTION departures_move_extras(p_departure_id uuid, p_extra_id uuid, p_delta integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE departure_extras SET taken = taken + p_delta WHERE departure_id = p_departure_id AND extra_id = p_extra_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extra % is not offered on departure %', p_extra_id, p_departure_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'extras_offered_on_departure';
    END IF;
END $$;

CREATE FUNCTION departures_raise_price_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE departures SET price_version = price_version + 1 WHERE id = OLD.departure_id;
    ELSIF TG_OP = 'INSERT' OR NEW.amount IS DISTINCT FROM OLD.amount THEN
        UPDATE departures SET price_version = price_version + 1 WHERE id = NEW.departure_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER departure_prices_versioned AFTER INSERT OR UPDATE OR DELETE ON departure_prices
    FOR EACH ROW EXECUTE FUNCTION departures_raise_price_version();
CREATE TRIGGER departure_extras_versioned AFTER INSERT OR UPDATE OR DELETE ON departure_extras
    FOR EACH ROW EXECUTE FUNCTION departures_raise_price_version();

GRANT SELECT, INSERT, UPDATE, DELETE ON departures, departure_prices, departure_extras TO jklg_app;

-- pricing: offers made. A quote is kept so that the price shown is the price charged, until it expires.
CREATE TABLE quotes (
    id            uuid PRIMARY KEY,
    departure_id  uuid NOT NULL REFERENCES departures,
    price_version integer NOT NULL,
    party         jsonb NOT NULL,            -- {"adult": 2, "child": 1}
    extras        jsonb NOT NULL,            -- [{"id": uuid, "quantity": n}]
    seats         integer NOT NULL CHECK (seats >= 1),
    currency      char(3) NOT NULL,
    total         bigint NOT NULL CHECK (total >= 0),
    lines         jsonb NOT NULL,            -- the derivation: [{label, quantity, unit_amount, amount, rule}]
    created_at    timestamptz NOT NULL DEFAULT house_now(),
    expires_at    timestamptz NOT NULL
);
CREATE INDEX quotes_by_expiry ON quotes (expires_at);
GRANT SELECT, INSERT, DELETE ON quotes TO jklg_app;
