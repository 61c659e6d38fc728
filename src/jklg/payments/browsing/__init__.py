"""Staff look through all attempts, the newest first, and at everything known of one."""

from jklg.payments.browsing.queries import Row, Wanted, count, get, list_rows, story
from jklg.payments.browsing.rules import Place, read_cursor, write_cursor

__all__ = ["Place", "Row", "Wanted", "count", "get", "list_rows", "read_cursor", "story", "write_cursor"]
