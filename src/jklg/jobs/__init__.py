"""News and the worker: what happened is announced in its own database transaction, and acted on afterwards, at least once."""

from jklg.jobs.actions import announce, announce_all, forget_told, tell_again
from jklg.jobs.worker import drain, run

__all__ = ["announce", "announce_all", "drain", "forget_told", "run", "tell_again"]
