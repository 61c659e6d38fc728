-- catalogue/wishes: journeys that a customer has put aside. Without an account they lie in a cookie and nowhere else.

CREATE TABLE customer_wishes (
    customer_id uuid NOT NULL REFERENCES customers,
    package_id  uuid NOT NULL REFERENCES packages ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT house_now(),
    CONSTRAINT customer_wishes_once PRIMARY KEY (customer_id, package_id)
);
ALTER TABLE customer_wishes ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_wishes_of_the_house ON customer_wishes USING ((SELECT claim('role')) = 'system');
CREATE POLICY customer_wishes_own ON customer_wishes USING (customer_id = (SELECT claim('sub'))::uuid);
GRANT SELECT, INSERT, DELETE ON customer_wishes TO jklg_app;
