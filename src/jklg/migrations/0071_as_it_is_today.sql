-- payments/balances: whose balance is coming due, or was. What is paid of it the ledger knows; 'Paid' also counts money that is on its way back.
CREATE INDEX bookings_balance_due ON bookings (balance_due_on) WHERE status = 'confirmed' AND balance_due_on IS NOT NULL;
DROP INDEX bookings_balance_open;
