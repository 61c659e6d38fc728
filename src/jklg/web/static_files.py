"""Files that never change under their address: each is named by the hash of its content, and kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_URL = re.compile(r'url\("(?!data:)([^"]+)"\)')


class File(NamedTuple):
    """`zipped` is there where it saves something."""

    content: bytes
    media_type: str
    zipped: bytes | None


class Shelf(NamedTuple):
    """Every file by its address, and the address of every file."""

    files: dict[str, File]
    addresses: dict[str, str]


@cache
def shelf() -> Shelf:
    """Read once a process. A style sheet is read last, because it names fonts by their hashed address."""
    files: dict[str, File] = {}
    addresses: dict[str, str] = {}
    paths = sorted(
        (path for path in FOLDER.rglob("*") if path.suffix in TYPES), key=lambda path: (path.suffix == ".css", path)
    )
    for path in paths:
        name = path.relative_to(FOLDER).as_posix()
        content = path.read_bytes()
        if path.suffix == ".css":
            content = _URL.sub(lambda found: f'url("{addresses[found.group(1)]}")', content.decode()).encode()
        stem, suffix = name.rsplit(".", 1)
        address = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
        zipped = gzip.compress(content, 9, mtime=0) if path.suffix in (".css", ".js", ".svg") else None
        files[address] = File(content, TYPES[path.suffix], zipped)
        addresses[name] = address
    return Shelf(files, addresses)


def static(name: str) -> str:
    """The address of a file in web/static. KeyError when there is none: a broken page must not ship."""
    return shelf().addresses[name]
