"""Files that never change under their address: each is named by the hash of its content, and kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jklg.web import design

FOLDERS = (Path(__file__).parent / "static", design.FOLDER)
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
    """Read once a process. The style sheet comes last, because it names fonts by their hashed address."""
    files: dict[str, File] = {}
    addresses: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted(path for path in folder.rglob("*") if path.suffix in TYPES):
            if path.suffix != ".css":
                _put(files, addresses, path.relative_to(folder).as_posix(), path.read_bytes())
    sheet = "\n".join((design.FOLDER / name).read_text("utf-8") for name in design.SHEETS)
    _put(files, addresses, "house.css", _URL.sub(lambda found: f'url("{addresses[found.group(1)]}")', sheet).encode())
    return Shelf(files, addresses)


def _put(files: dict[str, File], addresses: dict[str, str], name: str, content: bytes) -> None:
    stem, suffix = name.rsplit(".", 1)
    address = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
    zipped = gzip.compress(content, 9, mtime=0) if suffix in ("css", "js", "svg") else None
    files[address] = File(content, TYPES[f".{suffix}"], zipped)
    addresses[name] = address


def static(name: str) -> str:
    """The address of a file in web/static or of the design. KeyError when there is none: a broken page must not ship."""
    return shelf().addresses[name]
