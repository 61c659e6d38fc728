"""The outbox: a mail is written with the fact it tells of, and sent afterwards, once."""

from jklg.mail.actions import (
    forget,
    forget_address,
    forget_due,
    forget_sent,
    list_of_address,
    send_again,
    send_due,
    write,
)
from jklg.mail.render import render, write_letter

__all__ = [
    "forget",
    "forget_address",
    "forget_due",
    "forget_sent",
    "list_of_address",
    "render",
    "send_again",
    "send_due",
    "write",
    "write_letter",
]
