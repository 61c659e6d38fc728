-- catalogue: what the agency describes and sells.

CREATE TABLE destinations (
    id          uuid PRIMARY KEY,
    slug        text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name        text NOT NULL,
    region      text NOT NULL,               -- Jammu, Kashmir, Ladakh, Gurez
    summary     text NOT NULL DEFAULT '',
    description text NOT NULL,
    altitude_m  integer,
    best_season text,
    latitude    numeric(9, 6),
    longitude   numeric(9, 6),
    featured    boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    updated_at  timestamptz NOT NULL DEFAULT house_now()
);

CREATE TABLE packages (
    id             uuid PRIMARY KEY,
    slug           text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name           text NOT NULL,
    summary        text NOT NULL,
    description    text NOT NULL,
    duration_days  integer NOT NULL CHECK (duration_days BETWEEN 1 AND 365),
    price          bigint NOT NULL CHECK (price >= 0),      -- the guide price of one adult, minor units
    currency       char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    included       text[] NOT NULL DEFAULT '{}',
    excluded       text[] NOT NULL DEFAULT '{}',
    meeting_point  text NOT NULL DEFAULT '',
    time_zone      text NOT NULL DEFAULT 'Asia/Kolkata',    -- where the package happens
    themes         text[] NOT NULL DEFAULT '{}',
    status         text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
    featured       boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT house_now(),
    updated_at     timestamptz NOT NULL DEFAULT house_now()
);

CREATE TABLE package_destinations (
    package_id     uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    destination_id uuid NOT NULL REFERENCES destinations,
    position       integer NOT NULL,
    PRIMARY KEY (package_id, destination_id)
);
CREATE INDEX package_destinations_of_destination ON package_destinations (destination_id);

CREATE TABLE itinerary_days (
    package_id  uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    day         integer NOT NULL CHECK (day >= 1),
    title       text NOT NULL,
    description text NOT NULL,
    meals       text NOT NULL DEFAULT '',
    overnight   text NOT NULL DEFAULT '',
    PRIMARY KEY (package_id, day)
);

CREATE TABLE package_pictures (
    package_id uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    position   integer NOT NULL,
    scene      text NOT NULL,                -- the name of a drawn scene, or the path of an upload
    alt        text NOT NULL CHECK (alt <> ''),
    PRIMARY KEY (package_id, position)
);

-- What can be added to a booking of a package. Its stock is counted per departure: departures.departure_extras.
CREATE TABLE extras (
    id          uuid PRIMARY KEY,
    package_id  uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    position    integer NOT NULL DEFAULT 0
);
CREATE INDEX extras_of_package ON extras (package_id);

CREATE TRIGGER packages_touched BEFORE UPDATE ON packages FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER destinations_touched BEFORE UPDATE ON destinations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON destinations, packages, package_destinations, itinerary_days, package_pictures, extras TO jklg_app;
