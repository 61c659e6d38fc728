-- payments: the gateway's id of the charge or capture that an attempt became. Some of what it tells names only that.
ALTER TABLE transactions ADD COLUMN charge_ref text;
CREATE INDEX transactions_by_charge ON transactions (charge_ref) WHERE charge_ref IS NOT NULL;

-- payments/webhooks: a delivery that is signed as such (PayPal's transmission) brings one body, once and for all.
ALTER TABLE webhook_inbox ADD COLUMN delivery_id text;
CREATE UNIQUE INDEX webhook_inbox_one_body_a_delivery ON webhook_inbox (gateway, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX webhook_inbox_elsewhere ON webhook_inbox (gateway, reason, received_at) WHERE reason IN ('other_mode', 'other_account');
