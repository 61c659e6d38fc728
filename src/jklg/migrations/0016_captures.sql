-- payments/captures: taking money that a payer has approved or that her bank has set aside is a command like any other (payments.md 1.6).

ALTER TABLE gateway_commands DROP CONSTRAINT gateway_commands_kind_check;
ALTER TABLE gateway_commands ADD CONSTRAINT gateway_commands_kind_check CHECK (kind IN ('create', 'cancel', 'refund', 'capture'));
