"""What lies and moves in the landscape: sand, ice, water, flags, stones, trees, animals. Each answers SVG."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from jklg.catalogue.scenes.brush import Paper, Point, group, line, n, path, shape, smooth


def reeds(paper: Paper, x: float, y: float, width: float, colour: str) -> str:
    d = ""
    for _ in range(17):
        at = x + width * paper.dice.random()
        lean, h = paper.dice.uniform(-16, 16), paper.dice.uniform(40, 120)
        d += f"M{n(at - 3)} {n(y)}q{n(lean * 0.2)} {n(-h * 0.6)} {n(lean)} {n(-h)}q{n(-lean * 0.3)} {n(h * 0.5)} {n(6 - lean)} {n(h)}z"
    return shape(d, colour)


def flowers(paper: Paper, x1: float, x2: float, y1: float, y2: float) -> str:
    """A sprinkle of white, saffron and violet."""
    marks = ""
    for colour in ("#f6efe0", "#f0a93b", "#8c6fb0"):
        d = ""
        for _ in range(22):
            x, y = paper.dice.uniform(x1, x2), paper.dice.uniform(y1, y2)
            d += f"M{n(x)} {n(y)}h.1"
        marks += line(d, colour, 5)
    return marks


def sparkle(paper: Paper, y1: float, y2: float, count: int, colour: str) -> str:
    d = ""
    for _ in range(count):
        nearness = paper.dice.random()
        d += f"M{n(paper.dice.uniform(0, 1180))} {n(y1 + (y2 - y1) * nearness)}h{n(8 + 50 * nearness * paper.dice.random())}"
    return line(d, colour, 1.8, ' opacity=".5"')


def stones(paper: Paper, x1: float, x2: float, y1: float, y2: float, colour: str, light: str) -> str:
    d = tops = ""
    for _ in range(28):
        x, y, s = paper.dice.uniform(x1, x2), paper.dice.uniform(y1, y2), paper.dice.uniform(4, 15)
        d += f"M{n(x - s)} {n(y)}q{n(s * 0.2)} {n(-s)} {n(s)} {n(-s * 0.9)}q{n(s)} {n(s * 0.1)} {n(s * 1.2)} {n(s * 0.9)}z"
        tops += f"M{n(x - s * 0.5)} {n(y - s * 0.55)}q{n(s * 0.4)} {n(-s * 0.3)} {n(s * 0.8)} 0"
    return shape(d, colour) + line(tops, light, 1.6, ' opacity=".5"')


def cairn(x: float, y: float, colour: str) -> str:
    """Stones that travellers have piled."""
    d = "".join(
        f"M{n(x - w)} {n(y - h)}q0 -11 {n(w)} -11q{n(w)} 0 {n(w)} 11q-2 4 {n(-w)} 4q{n(-w)} 0 {n(-w)} -4z"
        for w, h in ((36, 0), (28, 13), (21, 26), (14, 39), (8, 51))
    )
    return shape(d, colour)


def flags(x1: float, y1: float, x2: float, y2: float, ink: str) -> str:
    """Prayer flags on a sagging line: blue, white, red, green, yellow."""
    sag = 34
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2 + sag * 2
    marks = line(f"M{n(x1)} {n(y1)}Q{n(mx)} {n(my)} {n(x2)} {n(y2)}", ink, 1.6, ' opacity=".7"')
    per_colour = dict.fromkeys(("#3f6fb0", "#f4f0e6", "#b5382f", "#3c8a5a", "#e8b23a"), "")
    colours = list(per_colour)
    count = 20
    for i in range(1, count):
        t = i / count
        x = (1 - t) ** 2 * x1 + 2 * t * (1 - t) * mx + t * t * x2
        y = (1 - t) ** 2 * y1 + 2 * t * (1 - t) * my + t * t * y2
        per_colour[colours[i % 5]] += f"M{n(x - 5)} {n(y)}h10l-1 12q-4 2 -8 -1z"
    return marks + "".join(shape(d, colour) for colour, d in per_colour.items())


def dune(points: Sequence[Point], floor: float, fill: str) -> str:
    return shape(f"{smooth(points)}V{n(floor)}H{n(points[0][0])}z", fill)


def crest(points: Sequence[Point], top: Point, floor: float, lit: str, dim: str, lean: float) -> list[str]:
    """A dune and its lee side, parted by a winding edge that runs down from the top."""
    whole = dune(points, floor, lit)
    x, y = top
    right = [p for p in points if p[0] >= x] if lean > 0 else [p for p in points if p[0] <= x][::-1]
    edge = f"C{n(x + lean * 0.1)} {n(y + 60)} {n(x - lean * 0.3)} {n(y + 110)} {n(x + lean * 0.3)} {n(y + 190)}S{n(x + lean * 0.5)} {n(floor)} {n(x + lean)} {n(floor + 20)}"
    far = right[-1]
    side = f"M{n(x)} {n(y + 3)}{edge}L{n(far[0])} {n(floor + 20)}L{n(far[0])} {n(far[1])}"
    back = right[::-1][1:]
    for (x1, y1), (x2, y2) in itertools.pairwise(back):
        side += f"Q{n(x1)} {n(y1)} {n((x1 + x2) / 2)} {n((y1 + y2) / 2)}"
    return [whole, shape(side + "z", dim, ' opacity=".8"')]


_CAMEL = (
    "M8 -42Q10 -60 22 -60Q27 -80 35 -79Q43 -76 46 -62Q51 -58 56 -64Q61 -81 69 -79Q77 -74 79 -59Q88 -56 92 -68Q94 -84 101 -91"
    "Q111 -97 119 -89L121 -83Q113 -79 108 -80Q107 -64 102 -52Q96 -38 82 -37L84 -20L82 0H77L77 -20L72 -36L38 -35L30 -20L31 0H26L24 -20"
    "L22 -37L19 -20L21 0H16L12 -20L14 -38Q9 -36 8 -42zM70 -37L68 -20L70 0H65L63 -20L63 -37z"
)


def caravan(ink: str, x: float, y: float) -> str:
    """Three camels and their man, along a crest."""
    marks = "".join(
        group(shape(_CAMEL, ink), x + dx, y + dy, s) for dx, dy, s in ((-120, 26, 0.62), (-34, 8, 0.66), (60, 3, 0.64))
    )
    man = shape("M-5 0L-3 -22Q-7 -34 0 -36Q7 -34 4 -22L6 0H2L0 -16L-1 0zM0 -37a5 5 0 1 1 .1 0z", ink)
    return (
        marks
        + group(man, x + 152, y + 12, 1.05)
        + line(f"M{n(x + 136)} {n(y - 50)}L{n(x + 152)} {n(y - 12)}", ink, 1.2)
    )


def ripples(paper: Paper, x1: float, x2: float, y1: float, y2: float, colour: str) -> str:
    d = ""
    for i in range(6):
        y = y1 + (y2 - y1) * i / 6
        x = paper.dice.uniform(x1, x2 * 0.5)
        d += f"M{n(x)} {n(y)}q70 -12 140 0t140 0t{n(paper.dice.uniform(60, 160))} 0"
    return line(d, colour, 1.8, ' opacity=".22"')


def ribs(paper: Paper, top: Point, colour: str) -> str:
    """The strata that fan out below a summit."""
    x, y = top
    d = "".join(
        path(paper.jagged([(x + dx * 0.12, y + 34), (x + dx * 0.55, y + 34 + drop * 0.5), (x + dx, y + drop)], 0.12, 2))
        for dx, drop in ((-190, 330), (-100, 300), (-30, 330), (60, 290))
    )
    return line(d, colour, 2, ' opacity=".22"')


def river(middle: Sequence[Point], widths: Sequence[float], fill: str, light: str) -> str:
    """A river that winds towards us and widens."""
    left = [(x - w / 2, y) for (x, y), w in zip(middle, widths, strict=True)]
    right = [(x + w / 2, y) for (x, y), w in zip(middle, widths, strict=True)][::-1]
    back = smooth(right)
    glints = "".join(
        f"M{n(x - w * 0.25)} {n(y)}h{n(w * 0.4)}" for (x, y), w in list(zip(middle, widths, strict=True))[1:-1]
    )
    return shape(f"{smooth(left)}L{back[1:]}z", fill) + line(glints, light, 2, ' opacity=".6"')


def glacier(snow: str, shade: str) -> str:
    """A tongue of ice that winds down between two peaks, with its crevasses."""
    return (
        shape(
            "M470 296Q600 360 730 270Q740 340 700 392Q664 440 676 490Q684 530 640 566H560Q566 520 552 484Q540 440 520 400Q494 350 470 296z",
            snow,
        )
        + shape(
            "M730 270Q740 340 700 392Q664 440 676 490Q684 530 640 566Q644 500 626 456Q640 400 672 360Q708 320 730 270z",
            shade,
            ' opacity=".55"',
        )
        + line(
            "M520 340q70 34 150 -6M538 380q60 26 118 -4M548 424q44 20 84 0M560 466q36 14 70 2M566 506q34 10 66 0",
            shade,
            2.2,
            ' opacity=".8"',
        )
    )


def birch(paper: Paper, leaf: str) -> str:
    """A white stem with dark marks and an airy crown, 300 high; the foot is y=0."""
    marks = "".join(f"M-3 {-20 - k * 30}h{n(paper.dice.uniform(3, 7))}" for k in range(6))
    crown = ""
    for _ in range(10):
        x, y, r = paper.dice.uniform(-46, 46), paper.dice.uniform(-300, -160), paper.dice.uniform(17, 30)
        crown += f"M{n(x - r)} {n(y)}q{n(r * 0.2)} {n(-r)} {n(r)} {n(-r * 0.9)}q{n(r)} {n(r * 0.1)} {n(r)} {n(r)}q{n(-r * 0.8)} {n(r * 0.9)} {n(-2 * r)} {n(-r * 0.1)}z"
    return (
        shape("M-5 0Q-3 -150 3 -300Q4 -150 6 0z", "#f2ede2")
        + line(marks, "#4a4a48", 2.2)
        + shape(crown, leaf, ' opacity=".82"')
    )


def pony(ink: str) -> str:
    """A pony with a rider; the ground is y=0."""
    return shape(
        "M0 -30Q2 -42 14 -42H48Q56 -44 62 -58L70 -66L84 -54L82 -48L72 -50Q68 -34 58 -28L58 0H53L51 -24H20L16 0H11L11 -24Q4 -10 -4 -12Q0 -20 0 -30z"
        "M22 -42Q22 -66 32 -68Q42 -66 41 -42L44 -26H38L36 -40zM32 -70a7 7 0 1 1 .1 0z",
        ink,
    )


def lamps(paper: Paper, x1: float, x2: float, y1: float, y2: float, gold: str) -> str:
    """Oil lamps set afloat."""
    d = "".join(f"M{n(paper.dice.uniform(x1, x2))} {n(paper.dice.uniform(y1, y2))}h.1" for _ in range(24))
    return line(d, gold, 13, ' opacity=".25"') + line(d, gold, 5)


def lit_path(way: Sequence[Point], ground: str, lamp: str) -> str:
    """A path that climbs in turns, narrower with distance, with a lamp every few steps."""
    marks = ""
    for (x1, y1), (x2, y2) in itertools.pairwise(way):
        width = 2.5 + (y1 - 430) / 34
        bend = 14 + (y1 - 430) / 20
        marks += line(
            f"M{n(x1)} {n(y1)}Q{n((x1 + x2) / 2)} {n((y1 + y2) / 2 + bend)} {n(x2)} {n(y2)}",
            ground,
            width,
            ' opacity=".75"',
        )
    glow = small = ""
    for (x1, y1), (x2, y2) in itertools.pairwise(way):
        bend = 14 + (y1 - 430) / 20
        steps = max(3, round(abs(x2 - x1) / 34))
        for i in range(steps):
            t = i / steps
            x = (1 - t) ** 2 * x1 + 2 * t * (1 - t) * (x1 + x2) / 2 + t * t * x2
            y = (1 - t) ** 2 * y1 + 2 * t * (1 - t) * ((y1 + y2) / 2 + bend) + t * t * y2
            lift = 4 + (y - 430) / 26
            if y > 600:
                glow += f"M{n(x)} {n(y - lift)}h.1"
            else:
                small += f"M{n(x)} {n(y - lift)}h.1"
    return marks + line(glow + small, lamp, 15, ' opacity=".22"') + line(glow, lamp, 6) + line(small, lamp, 4)
