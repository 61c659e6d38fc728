"""Pages that were printed a moment ago: while what a page shows stays the same, it is not printed again.

A page is a function of its template and of what is handed to it. What it shows is read from the database each time; only the making of the same
bytes from the same rows is spared. So nobody has to be told when a price or a seat changes: then it is another page.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from markupsafe import Markup

MOST_BYTES = 16 << 20


class Reprints:
    """The latest pages, as many as fit into `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._room = most_bytes
        self._printed: OrderedDict[bytes, bytes] = OrderedDict()

    def of(self, shown: object, print_it: Callable[[], bytes]) -> bytes:
        """The page that shows this, printed by `print_it` if it is not at hand.

        `shown` is everything that the page depends on: structs, dates, numbers and words. TypeError for what could be read only by asking it.
        """
        key = hashlib.sha256(_encoder.encode(shown)).digest()
        body = self._printed.get(key)
        if body is not None:
            self._printed.move_to_end(key)
            return body
        body = print_it()
        if len(body) > MOST_BYTES // 16:
            return body
        self._printed[key] = body
        self._room -= len(body)
        while self._room < 0:
            _, oldest = self._printed.popitem(last=False)
            self._room += len(oldest)
        return body


def _plain(value: object) -> object:
    if isinstance(value, Markup):
        return value.encode()
    raise TypeError(f"a page that is kept was handed a {type(value).__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
