"""Who changed what, and when. Rows are written with the change they tell of, and never edited."""

from jklg.history.actions import latest, of, record, record_all
from jklg.history.queries import Happening

__all__ = ["Happening", "latest", "of", "record", "record_all"]
