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
from jklg.mail.queries import Letter
from jklg.mail.render import letter, render, write_letter

__all__ = [
    "Letter",
    "forget",
    "forget_address",
    "forget_due",
    "forget_sent",
    "letter",
    "list_of_address",
    "render",
    "send_again",
    "send_due",
    "write",
    "write_letter",
]
