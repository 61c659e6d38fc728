"""The inbox: a gateway's notice is verified, stored once, answered, and only then looked into."""

from jklg.payments.webhooks.actions import file_notice, process_due

__all__ = ["file_notice", "process_due"]
