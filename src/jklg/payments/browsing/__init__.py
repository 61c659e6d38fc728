"""Staff look through all attempts, the newest first, and at everything known of one."""

from jklg.payments.browsing.queries import COUNTED, Row, count, get, list_rows, narrow, story
from jklg.payments.browsing.rules import GATEWAYS, STATUSES, Wanted, wanted

__all__ = [
    "COUNTED",
    "GATEWAYS",
    "STATUSES",
    "Row",
    "Wanted",
    "count",
    "get",
    "list_rows",
    "narrow",
    "story",
    "wanted",
]
