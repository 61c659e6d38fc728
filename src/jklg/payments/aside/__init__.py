"""What was put aside after its last try, mails, webhooks and news, stands before a person, who has it tried once more."""

from jklg.payments.aside.actions import KINDS, again, watch

__all__ = ["KINDS", "again", "watch"]
