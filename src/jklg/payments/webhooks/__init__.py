"""The inbox: a gateway's notice is verified, stored once, answered, and only then looked into."""

from jklg.payments.webhooks.actions import collect, file_notice, process_due, replay, transaction_of
from jklg.payments.webhooks.queries import get

__all__ = ["collect", "file_notice", "get", "process_due", "replay", "transaction_of"]
