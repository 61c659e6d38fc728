"""Who changed what, and when. Rows are written with the change they tell of, and never edited."""

from jklg.history.actions import of, record

__all__ = ["of", "record"]
