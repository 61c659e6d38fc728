"""A chain over the postings, signed with a key that the database does not have: who tampers with the books is found out."""

from jklg.ledger.seals.actions import Head, HeadLost, examine, seal
from jklg.ledger.seals.notes import note_of, noted_head

__all__ = ["Head", "HeadLost", "examine", "note_of", "noted_head", "seal"]
