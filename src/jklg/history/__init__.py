"""Who changed what, and when. Rows are written with the change they tell of, and never edited."""

from jklg.history.actions import latest, of, record

__all__ = ["latest", "of", "record"]
