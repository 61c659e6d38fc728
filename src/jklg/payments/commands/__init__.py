"""What we asked of a gateway, whatever became of it: the row is written first, under the key that the gateway will see."""

from jklg.payments.commands.queries import (
    Command,
    add,
    claim_refunds,
    finish,
    finish_all,
    forget_errors,
    get,
    postpone,
    sending,
)

__all__ = ["Command", "add", "claim_refunds", "finish", "finish_all", "forget_errors", "get", "postpone", "sending"]
