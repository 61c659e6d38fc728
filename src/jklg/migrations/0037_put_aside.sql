-- mail: when a mail was given up, so that each time stands before a person once.
ALTER TABLE mail_outbox ADD COLUMN died_at timestamptz;
UPDATE mail_outbox SET died_at = created_at WHERE state = 'dead';
CREATE INDEX mail_outbox_dead ON mail_outbox (id) WHERE state = 'dead';

-- payments/webhooks: the few that came twice with different words, among millions.
CREATE INDEX webhook_inbox_collided ON webhook_inbox (id) WHERE collision;

-- payments: what was settled, the newest first.
CREATE INDEX anomalies_settled ON anomalies (resolved_at DESC, id DESC) WHERE resolved_at IS NOT NULL;
