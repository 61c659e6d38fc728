"""The books: append-only double entry between named accounts. Knows no travel noun; `subject_id` is whatever books are kept on."""

from jklg.ledger.actions import Check, Findings, balance, post, trial_balance, verify

__all__ = ["Check", "Findings", "balance", "post", "trial_balance", "verify"]
