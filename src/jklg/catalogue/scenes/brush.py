"""The hand that draws: light, ridges, water, trees. Everything is composed on a sheet of 1200 by 800."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from random import Random

import msgspec

WIDTH, HEIGHT = 1200, 800
LEFT, RIGHT = -30.0, WIDTH + 30.0  # a little beyond the sheet
Point = tuple[float, float]


class Light(msgspec.Struct, frozen=True, kw_only=True):
    """The colours of an hour. `far` and `near` are the ends between which ridges are tinted."""

    top: str
    middle: str
    low: str
    haze: str
    far: str
    near: str
    sun: str
    snow: str
    shade: str
    water: tuple[str, str]
    lamp: str


LIGHTS = {
    "dawn": Light(
        top="#86a9b8",
        middle="#e3d3c2",
        low="#f7c79b",
        haze="#f3dcc6",
        far="#b3b3c0",
        near="#22403f",
        sun="#fff4dc",
        snow="#fff0e2",
        shade="#5d6b86",
        water=("#f0cba8", "#4f7d8a"),
        lamp="#ffcf7a",
    ),
    "noon": Light(
        top="#5c9dbd",
        middle="#a6cfda",
        low="#f0f1e4",
        haze="#dcebe8",
        far="#8fb2c0",
        near="#1d4a3d",
        sun="#fffdf2",
        snow="#fbfdfc",
        shade="#456f86",
        water=("#a5cfd1", "#2a6c7c"),
        lamp="#f7e3b0",
    ),
    "dusk": Light(
        top="#263252",
        middle="#86668a",
        low="#f4a860",
        haze="#dd9a76",
        far="#776b92",
        near="#151e29",
        sun="#ffd590",
        snow="#f3cdbb",
        shade="#3a3a63",
        water=("#eba873", "#2b3555"),
        lamp="#ffc35a",
    ),
}


class Paper:
    """A sheet on which a scene grows from back to front. The dice hang on the scene's name alone."""

    def __init__(self, scene: str, light: str) -> None:
        self.light = LIGHTS[light]
        self.hour = light
        self.dice = Random(zlib.crc32(scene.encode()))  # noqa: S311  (a drawing, not a secret)
        self.prefix = f"s{zlib.crc32(scene.encode()):x}"
        self.defs: list[str] = []
        self.marks: list[str] = []

    def add(self, *marks: str) -> None:
        self.marks.extend(marks)

    def gradient(self, *stops: str, angle: str = "y") -> str:
        """A gradient from top to bottom (or left to right) over whatever it fills."""
        name = f"{self.prefix}g{len(self.defs)}"
        direction = 'x2="0" y2="1"' if angle == "y" else 'x2="1" y2="0"'
        steps = "".join(
            f'<stop offset="{round(i / (len(stops) - 1), 2):g}" stop-color="{stop}"/>' for i, stop in enumerate(stops)
        )
        self.defs.append(f'<linearGradient id="{name}" {direction}>{steps}</linearGradient>')
        return f"url(#{name})"

    def tint(self, depth: float, base: str | None = None) -> str:
        """The colour of something at this depth: 0 on the horizon, 1 before our feet."""
        return mix(self.light.far, base or self.light.near, depth)

    def sky(self, sun: Point | None = None, size: float = 34, horizon: float = 520) -> None:
        fill = self.gradient(self.light.top, self.light.middle, self.light.low)
        self.add(f'<rect width="{WIDTH}" height="{horizon:g}" fill="{fill}"/>')
        if sun:
            name = f"{self.prefix}g{len(self.defs)}"
            self.defs.append(
                f'<radialGradient id="{name}"><stop stop-color="{self.light.sun}" stop-opacity=".75"/>'
                f'<stop offset=".4" stop-color="{self.light.sun}" stop-opacity=".22"/>'
                f'<stop offset="1" stop-color="{self.light.sun}" stop-opacity="0"/></radialGradient>'
            )
            x, y = sun
            self.add(
                f'<circle cx="{x:g}" cy="{y:g}" r="{size * 7:g}" fill="url(#{name})"/>',
                f'<circle cx="{x:g}" cy="{y:g}" r="{size:g}" fill="{self.light.sun}"/>',
            )

    def cloud(self, x: float, y: float, length: float, opacity: float = 0.5) -> None:
        """A long thin bank."""
        h = length / 14
        self.add(
            f'<path d="M{n(x)} {n(y)}q{n(length * 0.1)} {n(-h)} {n(length * 0.25)} {n(-h * 0.9)}'
            f"q{n(length * 0.12)} {n(-h)} {n(length * 0.3)} {n(-h * 0.2)}q{n(length * 0.2)} {n(-h * 0.6)} {n(length * 0.45)} {n(h * 1.1)}"
            f'z" fill="{self.light.snow}" opacity="{opacity:g}"/>'
        )

    def crag(
        self,
        corners: Sequence[Point],
        floor: float,
        depth: float,
        *,
        base: str | None = None,
        rough: float = 0.16,
        detail: int = 3,
        snow: float | None = None,
        shaded: bool = True,
    ) -> list[Point]:
        """A range drawn through its summits and saddles, lit from the left, hazy at its foot. Answers its sky line."""
        line = self.jagged(corners, rough, detail)
        colour = self.tint(depth, base)
        fill = self.gradient(colour, mix(colour, self.light.haze, 0.55 - 0.4 * depth))
        self.add(f'<path d="{path(line)}L{n(line[-1][0])} {n(floor)}L{n(line[0][0])} {n(floor)}z" fill="{fill}"/>')
        if shaded:
            self._facets(corners, line, floor, mix(colour, self.light.shade, 0.55))
        if snow is not None:
            self._snow(line, snow)
        if snow is not None and shaded:
            self._facets(corners, line, floor, self.light.shade, opacity=0.28, short=snow)
        return line

    def _facets(
        self,
        corners: Sequence[Point],
        line: Sequence[Point],
        floor: float,
        colour: str,
        opacity: float = 0.5,
        short: float | None = None,
    ) -> None:
        """The sides that turn away from the light: from each summit down its right flank, and back along a broken spur."""
        d = ""
        for i in range(1, len(corners) - 1):
            before, summit, after = corners[i - 1], corners[i], corners[i + 1]
            if not (summit[1] < before[1] and summit[1] < after[1]):
                continue
            for further in corners[i + 2 :]:
                if further[1] <= after[1]:
                    break
                after = further
            drop = min(floor, after[1] + 40) - summit[1]
            if short is not None:
                drop = min(drop, short - summit[1])
            if drop < 24:
                continue
            flank = [p for p in line if summit[0] <= p[0] <= after[0] and p[1] <= summit[1] + drop]
            if len(flank) < 3:
                continue
            foot = (summit[0] + (flank[-1][0] - summit[0]) * 0.18, summit[1] + drop)
            spur = self.jagged([foot, (summit[0] - drop * 0.1, summit[1] + drop * 0.5), summit], 0.22, 3)
            d += path([*flank, ((flank[-1][0] + foot[0]) / 2, summit[1] + drop * 0.86), *spur]) + "z"
        if d:
            self.add(f'<path d="{d}" fill="{colour}" opacity="{opacity:g}"/>')

    def _snow(self, line: Sequence[Point], below: float) -> None:
        """Snow on what rises above a height, with tongues that follow the gullies."""
        d = ""
        run: list[Point] = []
        for point in [*line, (9999.0, 9999.0)]:
            if point[1] < below:
                run.append(point)
                continue
            if len(run) > 2:
                tongues = []
                for k, (x, y) in enumerate(run[:: max(2, round(30 * len(run) / max(1.0, run[-1][0] - run[0][0])))]):
                    reach = self.dice.uniform(0.7, 1) if k % 2 else self.dice.uniform(0.25, 0.5)
                    tongues.append((x + self.dice.uniform(-5, 5), y + (below - y) * reach))
                d += path([*run, *reversed(tongues)]) + "z"
            run = []
        if d:
            self.add(f'<path d="{d}" fill="{self.light.snow}"/>')

    def hill(self, corners: Sequence[Point], floor: float, fill: str) -> None:
        """A soft slope: a smooth line through the points."""
        self.add(
            f'<path d="{smooth(corners)}L{n(corners[-1][0])} {n(floor)}L{n(corners[0][0])} {n(floor)}z" fill="{fill}"/>'
        )

    def water(self, top: float, bottom: float = HEIGHT, glints: int = 26, fill: str | None = None) -> None:
        fill = fill or self.gradient(*self.light.water)
        self.add(f'<rect y="{n(top)}" width="{WIDTH}" height="{n(bottom - top)}" fill="{fill}"/>')
        d = ""
        for _ in range(glints):
            nearness = self.dice.random() ** 1.6
            length = 16 + 110 * nearness * self.dice.random()
            d += f"M{n(self.dice.uniform(-20, WIDTH))} {n(top + 5 + (bottom - top - 8) * nearness)}h{n(length)}"
        self.add(
            f'<path d="{d}" stroke="{self.light.snow}" stroke-width="2" stroke-linecap="round" opacity=".38" fill="none"/>'
        )

    def mirror(
        self, line: Sequence[Point], shore: float, colour: str, squeeze: float = 0.5, opacity: float = 0.3
    ) -> None:
        """A range seen again in still water."""
        upside = [(x, shore + (shore - y) * squeeze) for x, y in line[::2]]
        self.add(
            f'<path d="{path(upside)}L{n(upside[-1][0])} {n(shore)}L{n(upside[0][0])} {n(shore)}z" fill="{colour}" opacity="{opacity:g}"/>'
        )

    def mist(self, y: float, height: float, opacity: float = 0.7) -> None:
        name = f"{self.prefix}g{len(self.defs)}"
        haze = self.light.haze
        self.defs.append(
            f'<linearGradient id="{name}" x2="0" y2="1"><stop stop-color="{haze}" stop-opacity="0"/>'
            f'<stop offset=".6" stop-color="{haze}" stop-opacity="{opacity:g}"/>'
            f'<stop offset="1" stop-color="{haze}" stop-opacity="0"/></linearGradient>'
        )
        self.add(f'<rect y="{n(y)}" width="{WIDTH}" height="{n(height)}" fill="url(#{name})"/>')

    def poplars(self, spots: Sequence[tuple[float, float, float]], colour: str, light_side: str | None = None) -> None:
        """Slim flames at (x, foot, height)."""
        d = lit = ""
        for x, y, h in spots:
            w = h * 0.095
            d += (
                f"M{n(x)} {n(y)}c{n(-w * 1.5)} {n(-h * 0.22)} {n(-w * 1.3)} {n(-h * 0.68)} 0 {n(-h)}"
                f"c{n(w * 1.4)} {n(h * 0.3)} {n(w * 1.5)} {n(h * 0.78)} 0 {n(h)}z"
            )
            lit += f"M{n(x)} {n(y - h * 0.06)}c{n(-w)} {n(-h * 0.22)} {n(-w * 0.9)} {n(-h * 0.6)} 0 {n(-h * 0.86)}q{n(-w * 0.2)} {n(h * 0.4)} 0 {n(h * 0.86)}z"
        self.add(f'<path d="{d}" fill="{colour}"/>')
        if light_side:
            self.add(f'<path d="{lit}" fill="{light_side}" opacity=".55"/>')

    def firs(self, spots: Sequence[tuple[float, float, float]], colour: str) -> None:
        """Stacked skirts at (x, foot, height), in one path."""
        d = ""
        for x, y, h in spots:
            w = h * self.dice.uniform(0.19, 0.24)
            if h < 90:
                d += f"M{n(x)} {n(y - h)}l{n(w * 0.7)} {n(h * 0.5)}h{n(-w * 0.3)}l{n(w * 0.6)} {n(h * 0.5)}h{n(-w * 2)}l{n(w * 0.6)} {n(-h * 0.5)}h{n(-w * 0.3)}z"
            else:
                d += (
                    f"M{n(x)} {n(y - h)}l{n(w * 0.5)} {n(h * 0.34)}h{n(-w * 0.2)}l{n(w * 0.45)} {n(h * 0.28)}h{n(-w * 0.22)}"
                    f"l{n(w * 0.47)} {n(h * 0.38)}h{n(-w * 2)}l{n(w * 0.47)} {n(-h * 0.38)}h{n(-w * 0.22)}l{n(w * 0.45)} {n(-h * 0.28)}h{n(-w * 0.2)}z"
                )
        self.add(f'<path d="{d}" fill="{colour}"/>')

    def forest(self, edge: Sequence[Point], count: int, height: float, colour: str, spread: float = 14) -> None:
        """Firs along a line, bigger towards us, never in a row."""
        spots = []
        for _ in range(count):
            i = self.dice.randrange(len(edge) - 1)
            t = self.dice.random()
            x = edge[i][0] + (edge[i + 1][0] - edge[i][0]) * t
            y = edge[i][1] + (edge[i + 1][1] - edge[i][1]) * t
            spots.append((x, y + self.dice.uniform(-2, spread), height * self.dice.uniform(0.6, 1.15)))
        self.firs(sorted(spots, key=lambda spot: spot[1]), colour)

    def again(self, thing: str) -> str:
        """Keep a thing to be drawn more than once; answers the short mark that draws it."""
        name = f"{self.prefix}g{len(self.defs)}"
        self.defs.append(f'<g id="{name}">{thing}</g>')
        return f'<use href="#{name}"/>'

    def birds(self, x: float, y: float, colour: str) -> None:
        d = ""
        for dx, dy, s in ((0, 0, 11), (34, -16, 9), (62, 4, 8), (96, -22, 7)):
            d += f"M{n(x + dx)} {n(y + dy)}q{n(s * 0.6)} {n(-s * 0.7)} {n(s)} 0q{n(s * 0.5)} {n(-s * 0.7)} {n(s)} {n(-s * 0.1)}"
        self.add(
            f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="2.2" stroke-linecap="round" opacity=".7"/>'
        )

    def jagged(self, corners: Sequence[Point], rough: float, detail: int) -> list[Point]:
        """The broken line through the corners: each stretch is halved again and again and its middle pushed up or down."""
        line = list(corners)
        for _ in range(detail):
            finer: list[Point] = []
            for (x1, y1), (x2, y2) in itertools.pairwise(line):
                span = abs(x2 - x1) + abs(y2 - y1) * 0.5
                finer += [
                    (x1, y1),
                    (
                        (x1 + x2) / 2 + span * self.dice.uniform(-0.06, 0.06),
                        (y1 + y2) / 2 + span * rough * self.dice.uniform(-1, 1),
                    ),
                ]
            line = [*finer, line[-1]]
        return line


def n(value: float) -> str:
    """A coordinate in as few letters as can be."""
    return (
        str(round(value))
        if abs(value) >= 12
        else f"{value:.1f}".rstrip("0").rstrip(".").replace("-0.", "-.").removeprefix("0") or "0"
    )


def path(points: Sequence[Point]) -> str:
    """A broken line, written in steps from point to point: half the letters of absolute places."""
    at = [(round(x), round(y)) for x, y in points]
    steps = ""
    for (x1, y1), (x2, y2) in itertools.pairwise(at):
        if (x1, y1) != (x2, y2):
            steps += f"{'' if not steps or x2 < x1 else ' '}{x2 - x1}{'' if y2 < y1 else ' '}{y2 - y1}"
    return f"M{at[0][0]} {at[0][1]}l{steps}"


def smooth(points: Sequence[Point]) -> str:
    """A curve through the middles of the stretches, bent at the points."""
    d = f"M{n(points[0][0])} {n(points[0][1])}"
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        d += f"Q{n(x1)} {n(y1)} {n((x1 + x2) / 2)} {n((y1 + y2) / 2)}"
    return d + f"L{n(points[-1][0])} {n(points[-1][1])}"


def mix(one: str, other: str, t: float) -> str:
    """The colour `t` of the way from one to the other."""
    a, b = (tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (one, other))
    return "#" + "".join(f"{round(x + (y - x) * t):02x}" for x, y in zip(a, b, strict=True))


def shape(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}"{more}/>'


def line(d: str, stroke: str, width: float, more: str = "") -> str:
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:g}" stroke-linecap="round"{more}/>'


def group(marks: str, x: float, y: float, scale: float = 1, *, flip: bool = False, opacity: float = 1) -> str:
    """Something drawn around the origin, put in its place; `flip` turns it left to right."""
    faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<g transform="translate({n(x)} {n(y)}) scale({-scale if flip else scale:g} {scale:g})"{faint}>{marks}</g>'
