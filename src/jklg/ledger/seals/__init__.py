"""A chain over the postings, signed with a key that the database does not have: who tampers with the books is found out."""

from jklg.ledger.seals.actions import Head, examine, seal

__all__ = ["Head", "examine", "seal"]
