"""Drawing the sketch: a square-ish piece of land around the places, everything else as lines in the colours of the page.

The drawing is SVG inside the page, styled by classes; it says the same as the list beside it, and is therefore hidden from whoever listens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise

import msgspec
from markupsafe import Markup

from jklg.catalogue.maps import land
from jklg.catalogue.rules import Place
from jklg.kit.languages import gettext as _
from jklg.kit.languages import spoken

WIDTH = 720.0
LEAST_SPAN = 0.95
"""Degrees of latitude that are shown at least: a single place needs something around it."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the list beside the map: its number on the map, how high it lies, how far it is from the one before (air line, km)."""

    number: int
    name: str
    slug: str
    altitude_m: int | None
    km: int | None


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """A map and the list beside it, which says the same. `bar_km` is what its scale is long."""

    svg: Markup
    marks: list[Mark]
    bar_km: int


class _Sheet:
    """Longitude and latitude as places on paper: true to distance in the middle of the sheet."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        lons, lats = [point[0] for point in points], [point[1] for point in points]
        middle = (min(lats) + max(lats)) / 2
        self.squeeze = math.cos(math.radians(middle))
        across = max((max(lons) - min(lons)) * self.squeeze * 1.5, LEAST_SPAN * 1.5)
        high = max((max(lats) - min(lats)) * 1.7, LEAST_SPAN, across * 0.62)
        across = max(across, high * 1.1)
        self.scale = WIDTH / across
        self.height = high * self.scale
        self.left = (min(lons) + max(lons)) / 2 - across / self.squeeze / 2
        self.top = middle + high / 2
        self.degrees = across

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - self.left) * self.squeeze * self.scale, (self.top - point[1]) * self.scale

    def shows(self, point: tuple[float, float], margin: float = 0) -> bool:
        x, y = self.at(point)
        return -margin <= x <= WIDTH + margin and -margin <= y <= self.height + margin


def sketch(places: Sequence[Place]) -> Sketch | None:
    """Of the places in the order they are visited; None when nobody knows where any of them lies."""
    return _sketch(tuple(places), spoken().code)


@lru_cache(256)
def _sketch(places: tuple[Place, ...], _language: str) -> Sketch | None:
    """Drawn once for each route and language."""
    known = [each for each in places if each.latitude is not None and each.longitude is not None]
    if not known:
        return None
    points = [(each.longitude or 0.0, each.latitude or 0.0) for each in known]
    sheet = _Sheet(points)
    bar = _bar(sheet)
    parts = [
        f'<svg class="map" viewBox="0 0 {WIDTH:.0f} {sheet.height:.0f}" aria-hidden="true" focusable="false">',
        *_ranges(sheet),
        *_waters(sheet),
        *_peaks(sheet, points),
        *_route(sheet, points),
        *_names(sheet, known, points),
        _scale(sheet, bar),
        "</svg>",
    ]
    return Sketch(svg=Markup("".join(parts)), marks=_marks(known, points), bar_km=bar)  # noqa: S704  (made here, names escaped)


def _path(sheet: _Sheet, points: Iterable[tuple[float, float]], closed: bool = False) -> str:
    """A soft line through the points (Catmull-Rom as Bézier curves)."""
    dots = [sheet.at(point) for point in points]
    if closed:
        dots = [dots[-1], *dots, dots[0], dots[1]]
    else:
        dots = [dots[0], *dots, dots[-1]]
    said = f"M{dots[1][0]:.1f} {dots[1][1]:.1f}"
    for a, b, c, d in zip(dots, dots[1:], dots[2:], dots[3:], strict=False):
        said += (
            f"C{b[0] + (c[0] - a[0]) / 6:.1f} {b[1] + (c[1] - a[1]) / 6:.1f} "
            f"{c[0] - (d[0] - b[0]) / 6:.1f} {c[1] - (d[1] - b[1]) / 6:.1f} {c[0]:.1f} {c[1]:.1f}"
        )
    return said + ("Z" if closed else "")


def _ranges(sheet: _Sheet) -> Iterable[str]:
    """Rows of small summits along each crest."""
    for crest in land.RANGES.values():
        peaks = ""
        for (x1, y1), (x2, y2) in pairwise(crest):
            steps = max(1, round(math.hypot((x2 - x1) * sheet.squeeze, y2 - y1) * sheet.scale / 34))
            for step in range(steps):
                part = step / steps
                place = (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part)
                if sheet.shows(place, 12):
                    x, y = sheet.at(place)
                    tall = 13 + (int(x * 7 + y * 3) % 7)
                    peaks += f"M{x - tall:.1f} {y + 6:.1f}l{tall * 0.95:.1f} {-tall:.1f} {tall * 0.45:.1f} {tall * 0.5:.1f}M{x - tall * 0.05:.1f} {y + 6 - tall:.1f}l{tall:.1f} {tall:.1f}"
        if peaks:
            yield f'<path class="map-range" d="{peaks}"/>'


def _waters(sheet: _Sheet) -> Iterable[str]:
    for name, course in land.RIVERS.items():
        if any(sheet.shows(point) for point in course):
            yield f'<path class="map-river" d="{_path(sheet, course)}"/>'
            inside = [point for point in course if sheet.shows(point, -60)]
            if len(inside) > 1:
                x, y = sheet.at(inside[len(inside) // 2])
                yield f'<text class="map-water" x="{x + 8:.1f}" y="{y + 18:.1f}">{escape(_(name))}</text>'
    for shore in land.LAKES.values():
        if any(sheet.shows(point) for point in shore):
            yield f'<path class="map-lake" d="{_path(sheet, shore, closed=True)}"/>'


def _peaks(sheet: _Sheet, places: Sequence[tuple[float, float]]) -> Iterable[str]:
    for name, (lon, lat, _height) in land.PEAKS.items():
        near = any(math.dist(sheet.at((lon, lat)), sheet.at(place)) < 60 for place in places)
        if sheet.shows((lon, lat), -40) and not near:
            x, y = sheet.at((lon, lat))
            yield f'<path class="map-peak" d="M{x - 7:.1f} {y + 5:.1f}L{x:.1f} {y - 8:.1f} {x + 7:.1f} {y + 5:.1f}Z"/>'
            yield f'<text class="map-land" x="{x + 12:.1f}" y="{y + 4:.1f}">{escape(_(name))}</text>'


def _route(sheet: _Sheet, points: Sequence[tuple[float, float]]) -> Iterable[str]:
    if len(points) > 1:
        yield f'<path class="map-route" d="{_path(sheet, points)}"/>'


def _names(sheet: _Sheet, places: Sequence[Place], points: Sequence[tuple[float, float]]) -> Iterable[str]:
    taken: list[tuple[float, float]] = []
    for number, (place, point) in enumerate(zip(places, points, strict=True), 1):
        x, y = sheet.at(point)
        left = x > WIDTH * 0.62
        line = y + 7
        while any(abs(line - other) < 24 and abs(x - across) < 190 for across, other in taken):
            line += 25
        taken.append((x, line))
        yield f'<circle class="map-dot" cx="{x:.1f}" cy="{y:.1f}" r="13"/><text class="map-number" x="{x:.1f}" y="{y + 5:.1f}">{number}</text>'
        yield (
            f'<text class="map-place{" map-end" if left else ""}" x="{x - 20 if left else x + 20:.1f}" y="{line:.1f}">{escape(place.name)}</text>'
        )


def _bar(sheet: _Sheet) -> int:
    """A round number of kilometres that is about a sixth of the sheet."""
    whole = sheet.degrees * 111.2
    return next((each for each in (200, 100, 50, 20, 10) if each <= whole / 5), 5)


def _scale(sheet: _Sheet, km: int) -> str:
    long = km / 111.2 * sheet.scale
    y = sheet.height - 22
    return (
        f'<path class="map-bar" d="M20 {y - 6:.1f}v6h{long:.1f}v-6"/>'
        f'<text class="map-land" x="{28 + long:.1f}" y="{y + 1:.1f}">{km} km</text>'
    )


def _marks(places: Sequence[Place], points: Sequence[tuple[float, float]]) -> list[Mark]:
    marks = []
    for number, (place, point) in enumerate(zip(places, points, strict=True), 1):
        before = points[number - 2] if number > 1 else None
        marks.append(
            Mark(
                number=number,
                name=place.name,
                slug=place.slug,
                altitude_m=place.altitude_m,
                km=round(_distance(before, point)) if before else None,
            )
        )
    return marks


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Kilometres by air."""
    lat1, lat2 = math.radians(a[1]), math.radians(b[1])
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(b[0] - a[0]) / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(half))
