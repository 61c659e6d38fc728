"""What we asked of a gateway, whatever became of it: the row is written first, under the key that the gateway will see."""

from jklg.payments.commands.queries import (
    LAPSED,
    Command,
    add,
    claim,
    claim_refunds,
    end_captures,
    finish,
    finish_all,
    finish_captures,
    forget_errors,
    get,
    list_captures,
    postpone,
    sending,
)

__all__ = [
    "LAPSED",
    "Command",
    "add",
    "claim",
    "claim_refunds",
    "end_captures",
    "finish",
    "finish_all",
    "finish_captures",
    "forget_errors",
    "get",
    "list_captures",
    "postpone",
    "sending",
]
