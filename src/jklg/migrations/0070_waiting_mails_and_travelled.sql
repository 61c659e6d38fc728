-- mail: since when the mail server has not been there for a mail that waits for it. Its tries do not tell: an outage costs it none.
ALTER TABLE mail_outbox ADD COLUMN waiting_since timestamptz;
CREATE INDEX mail_outbox_waiting ON mail_outbox (waiting_since) WHERE state = 'queued' AND waiting_since IS NOT NULL;

-- bookings: whoever looks for journeys that are over reads no booking that is over already.
CREATE INDEX bookings_confirmed ON bookings (travels_on) WHERE status = 'confirmed';
