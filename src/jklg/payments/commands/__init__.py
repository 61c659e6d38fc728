"""What we asked of a gateway, whatever became of it: the row is written first, under the key that the gateway will see."""

from jklg.payments.commands.lease import in_time
from jklg.payments.commands.queries import (
    Command,
    add,
    begin_anew,
    claim,
    end_captures,
    finish,
    finish_all,
    finish_captures,
    forget_errors,
    get,
    list_captures,
    list_due_refunds,
    lock,
    not_sent,
    postpone,
    refuse,
    sending,
)

__all__ = [
    "Command",
    "add",
    "begin_anew",
    "claim",
    "end_captures",
    "finish",
    "finish_all",
    "finish_captures",
    "forget_errors",
    "get",
    "in_time",
    "list_captures",
    "list_due_refunds",
    "lock",
    "not_sent",
    "postpone",
    "refuse",
    "sending",
]
