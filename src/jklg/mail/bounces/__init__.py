"""Mails that came back: which, why, and whether their address is worth another try."""

from jklg.mail.bounces.actions import file_report, forgive, of_address, refused, tried_again
from jklg.mail.bounces.queries import Bounce

__all__ = ["Bounce", "file_report", "forgive", "of_address", "refused", "tried_again"]
