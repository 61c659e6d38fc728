-- payments: staff browse attempts, the newest first, also of one status or gateway: a page further back costs what the first one costs.
CREATE INDEX transactions_by_status ON transactions (status, created_at DESC, id DESC);
CREATE INDEX transactions_by_gateway ON transactions (gateway, created_at DESC, id DESC);
