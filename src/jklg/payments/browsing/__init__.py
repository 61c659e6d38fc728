"""Staff look through all attempts, the newest first, and at everything known of one."""

from jklg.payments.browsing.queries import COUNTED, Row, count, get, list_rows, narrow, story
from jklg.payments.browsing.rules import GATEWAYS, STATUSES, Place, Wanted, read_cursor, wanted, write_cursor

__all__ = [
    "COUNTED",
    "GATEWAYS",
    "STATUSES",
    "Place",
    "Row",
    "Wanted",
    "count",
    "get",
    "list_rows",
    "narrow",
    "read_cursor",
    "story",
    "wanted",
    "write_cursor",
]
