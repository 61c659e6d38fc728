-- catalogue/faq: questions that many ask, with their answers, in groups.

CREATE TABLE faqs (
    id         uuid PRIMARY KEY,
    question   text NOT NULL,
    answer     text NOT NULL,                -- short markup (web/markup.py), never HTML
    category   text NOT NULL,                -- the group it stands in
    position   integer NOT NULL DEFAULT 0,
    published  boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT house_now(),
    updated_at timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT faqs_say_something CHECK (question <> '' AND answer <> '' AND category <> '')
);
CREATE INDEX faqs_in_order ON faqs (position, id) WHERE published;
CREATE TRIGGER faqs_touched BEFORE UPDATE ON faqs FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE, DELETE ON faqs TO jklg_app;

-- catalogue/agency: what the agency says of itself. One row, or none before anybody has written it.

CREATE TABLE agency_profile (
    lone       boolean PRIMARY KEY DEFAULT true CONSTRAINT agency_profile_is_one CHECK (lone),
    name       text NOT NULL DEFAULT '',     -- as it is registered
    address    text NOT NULL DEFAULT '',     -- several lines
    licence    text NOT NULL DEFAULT '',
    email      text NOT NULL DEFAULT '',
    phone      text NOT NULL DEFAULT '',
    about      text NOT NULL DEFAULT '',     -- short markup (web/markup.py), never HTML
    updated_at timestamptz NOT NULL DEFAULT house_now()
);
CREATE TRIGGER agency_profile_touched BEFORE UPDATE ON agency_profile FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
GRANT SELECT, INSERT, UPDATE ON agency_profile TO jklg_app;
