-- payments/balances: whose balance is coming due, or was.
CREATE INDEX bookings_balance_open ON bookings (balance_due_on) WHERE status = 'confirmed' AND payment_status = 'Partial';
