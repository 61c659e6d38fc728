-- payments/balances: whose balance is coming due, or was. What is paid of it the ledger knows; 'Paid' also counts money that is on its way back.
CREATE INDEX bookings_balance_due ON bookings (balance_due_on) WHERE status = 'confirmed' AND balance_due_on IS NOT NULL;
DROP INDEX bookings_balance_open;

-- bookings: GET /api/customers/:id/bookings tells who still goes, and beside what a booking was sold for what it costs today.
CREATE OR REPLACE FUNCTION customer_bookings(
    p_customer uuid, p_session uuid, p_before date DEFAULT NULL, p_before_id uuid DEFAULT NULL, p_limit integer DEFAULT 20
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_before    date := coalesce(p_before, 'infinity');
    v_before_id uuid := coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    answer      text;
BEGIN
    PERFORM become_customer(p_customer, p_session);
    WITH page AS (
        SELECT b.id, b.reference, b.departure_id, b.travels_on, b.party, b.cancelled_party, b.total_price, b.reduced_amount, b.currency,
               b.payment_status, b.status, b.created_at,
               row_number() OVER (ORDER BY b.travels_on DESC, b.id DESC) AS place
        FROM bookings b
        WHERE b.customer_id = p_customer AND (b.travels_on, b.id) < (v_before, v_before_id)
        ORDER BY b.travels_on DESC, b.id DESC LIMIT p_limit + 1
    )
    SELECT json_build_object(
        'bookings', coalesce(json_agg(json_build_object(
            'id', b.id, 'reference', b.reference, 'package_id', d.package_id, 'travel_date', b.travels_on, 'return_date', d.ends_on,
            'num_adults', coalesce((b.party ->> 'adult')::integer, 0) - coalesce((b.cancelled_party ->> 'adult')::integer, 0),
            'num_children', coalesce((b.party ->> 'child')::integer, 0) - coalesce((b.cancelled_party ->> 'child')::integer, 0)
                          + coalesce((b.party ->> 'infant')::integer, 0) - coalesce((b.cancelled_party ->> 'infant')::integer, 0),
            'total_price', b.total_price, 'price', b.total_price - b.reduced_amount, 'currency', b.currency,
            'payment_status', b.payment_status, 'status', b.status, 'created_at', b.created_at,
            'packages', json_build_object('id', p.id, 'name', p.name, 'price', p.price, 'destination_id',
                (SELECT pd.destination_id FROM package_destinations pd WHERE pd.package_id = p.id ORDER BY pd.position LIMIT 1))
            ) ORDER BY b.place) FILTER (WHERE b.place <= p_limit), '[]'),
        'next', CASE WHEN count(*) > p_limit THEN max(b.travels_on || '_' || b.id) FILTER (WHERE b.place = p_limit) END)::text
    INTO answer
    FROM page b JOIN departures d ON d.id = b.departure_id JOIN packages p ON p.id = d.package_id;
    RETURN answer;
END $$;
