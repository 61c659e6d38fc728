-- customers and bookings: who asks in one moment is asked for together (kit/together.py). Each pair of customer and session is let in, and reads, under
-- claims of its own; one whose session has ended is refused alone, with the SQLSTATE that would have been raised.

CREATE FUNCTION customers_me(p_customers uuid[], p_sessions uuid[]) RETURNS TABLE (customer uuid, session uuid, refused text, answer text)
LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. cardinality(p_customers) LOOP
        customer := p_customers[n];
        session := p_sessions[n];
        refused := NULL;
        BEGIN
            answer := customer_me(customer, session);
        EXCEPTION WHEN SQLSTATE 'JK401' OR SQLSTATE 'JK403' THEN
            refused := SQLSTATE;
            answer := NULL;
        END;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE FUNCTION customers_bookings(
    p_customers uuid[], p_sessions uuid[], p_before date[], p_before_ids uuid[], p_limits integer[]
) RETURNS TABLE (customer uuid, session uuid, before date, before_id uuid, page_size integer, refused text, answer text)
LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. cardinality(p_customers) LOOP
        customer := p_customers[n];
        session := p_sessions[n];
        before := p_before[n];
        before_id := p_before_ids[n];
        page_size := p_limits[n];
        refused := NULL;
        BEGIN
            answer := customer_bookings(customer, session, before, before_id, page_size);
        EXCEPTION WHEN SQLSTATE 'JK401' OR SQLSTATE 'JK403' THEN
            refused := SQLSTATE;
            answer := NULL;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
