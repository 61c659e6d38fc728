-- bookings/tidings: what acts as its owner looks for tables in pg_temp last. Unless it is named, PostgreSQL looks there first, and whoever may
-- make temporary tables could put one of her own, with a trigger, under the name of ours (PostgreSQL's manual, CREATE FUNCTION, "Writing
-- SECURITY DEFINER Functions Safely"). The other one, find_bookings, does so since 0035.
ALTER FUNCTION departures_tell_customers() SET search_path = pg_catalog, public, pg_temp;
