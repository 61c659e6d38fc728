"""Looking for a journey: by place, month, length, price, theme and words, in the order one likes, page by page."""

from jklg.catalogue.finding.queries import Choices, choices, count_packages, list_packages
from jklg.catalogue.finding.rules import LENGTHS, SORTS, PackageFilter, cursor_after, read_filter

__all__ = [
    "LENGTHS",
    "SORTS",
    "Choices",
    "PackageFilter",
    "choices",
    "count_packages",
    "cursor_after",
    "list_packages",
    "read_filter",
]
