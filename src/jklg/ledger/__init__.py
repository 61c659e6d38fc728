"""The books: append-only double entry between named accounts. Knows no travel noun; `subject_id` is whatever books are kept on."""

from jklg.ledger.actions import (
    Check,
    Findings,
    Posting,
    balance,
    balances,
    entries_of,
    post,
    post_all,
    trial_balance,
    verify,
    written_now,
)
from jklg.ledger.seals import HeadLost, note_of, noted_head, seal

__all__ = [
    "Check",
    "Findings",
    "HeadLost",
    "Posting",
    "balance",
    "balances",
    "entries_of",
    "note_of",
    "noted_head",
    "post",
    "post_all",
    "seal",
    "trial_balance",
    "verify",
    "written_now",
]
