"""The outbox: a mail is written with the fact it tells of, and sent afterwards, once."""

from jklg.mail.actions import send_due, write
from jklg.mail.render import render

__all__ = ["render", "send_due", "write"]
