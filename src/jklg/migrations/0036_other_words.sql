-- payments/webhooks: of what came under a known event id with another body, the digest of the newest: the body itself was never believed.
ALTER TABLE webhook_inbox ADD COLUMN other_sha256 bytea;
