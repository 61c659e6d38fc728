-- payments/silences: since when a gateway has not answered. A row while nobody has heard of it, none when all is well.
CREATE TABLE gateway_silences (
    gateway  text PRIMARY KEY,
    since_at timestamptz NOT NULL DEFAULT house_now()
);
GRANT SELECT, INSERT, DELETE ON gateway_silences TO jklg_app;
