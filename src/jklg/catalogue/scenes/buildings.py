"""What people have built: boats, houses, palaces, temples, a cable car. Each answers SVG, around its own origin where it has one."""

from __future__ import annotations

from jklg.catalogue.scenes.brush import Paper, group, line, n, shape


def houseboat(wood: str, dark: str, lamp: str) -> str:
    """320 long, water at y=0: carved verandah at the bow, a row of windows, a roof to sit on."""
    windows = "".join(f"M{x} -22v-18q9 -9 18 0v18z" for x in (98, 128, 158, 188, 218, 248))
    posts = "".join(f"M{x} -18v-38" for x in (36, 50, 64, 78))
    rail = "".join(f"M{x} -70v-12" for x in range(112, 290, 16))
    return (
        shape("M-14 -22Q4 -16 20 -16H290Q310 -18 330 -26L306 0H14Q-4 -6 -14 -22z", dark)
        + shape("M84 -58H286V-16H84z", wood)
        + shape(windows, lamp)
        + line(windows.replace("z", ""), dark, 2)
        + line(posts, wood, 4)
        + shape("M30 -58h58v10q-7 -8 -14 0q-7 -8 -14 0q-7 -8 -14 0q-7 -8 -16 0z", wood)
        + line("M30 -28h54", wood, 3)
        + shape("M20 -58L30 -68H294L304 -58z", dark)
        + line(rail + "M104 -82h186", dark, 2)
        + shape("M150 -96h90l10 12h-110z", lamp, ' opacity=".75"')
        + line("M146 -84v14M244 -84v14", dark, 2)
    )


def shikara(dark: str, lamp: str) -> str:
    """A slim boat with a canopy, a guest in the shade and a paddler at the stern; water at y=0."""
    return (
        shape("M-98 -22Q-60 -4 0 -5Q64 -6 112 -30Q78 4 0 6Q-66 6 -98 -22z", dark)
        + line("M-30 -6V-38M34 -8V-38", dark, 3)
        + shape("M-44 -36Q2 -56 48 -36L44 -30Q2 -44 -40 -30z", lamp)
        + line("M-40 -30q5 7 10 1q5 8 10 1q5 8 10 1q5 7 10 0q5 8 11 0q5 7 10 -1q5 7 11 -1q5 6 11 -1", lamp, 3)
        + shape("M-4 -6q-2 -16 8 -18q10 2 10 18zM4 -26a5 5 0 1 1 .1 0z", dark)
        + shape("M66 -12q0 -22 10 -24q9 3 8 24zM76 -38a6 6 0 1 1 .1 0z", dark)
        + line("M80 -30L104 12", dark, 3)
        + shape("M100 6l10 14q-8 4 -11 -3z", dark)
    )


def reflected(thing: str, x: float, y: float, scale: float) -> str:
    """The thing on the water and, faint and squeezed, below it."""
    below = f'<g transform="translate({n(x)} {n(y)}) scale({scale:g} {-scale * 0.55:g})" opacity=".28">{thing}</g>'
    return below + group(thing, x, y, scale)


def gondola(ink: str, red: str, snow: str) -> str:
    """Pylons, a hanging cable and four cabins on their way up."""
    cabins = "".join(
        f'<g transform="translate({x} {y}) scale({s:g})"><path d="M0 0v16" stroke="{ink}" stroke-width="3"/>'
        f'<path d="M-20 20q0 -6 6 -6h28q6 0 6 6v24q0 8 -8 8h-24q-8 0 -8 -8z" fill="{red}"/><path d="M-15 22h12v13h-12zM3 22h12v13h-12z" fill="{snow}"/></g>'
        for x, y, s in ((236, 500, 1.5), (458, 437, 1.1), (640, 377, 0.78), (768, 318, 0.52))
    )
    return (
        line(
            "M-20 548Q200 528 395 436Q560 410 690 346Q770 320 850 262M-20 566Q200 544 395 448Q560 420 690 352", ink, 2.4
        )
        + shape("M380 690L391 436H399L410 690H400L395 560L390 690zM368 432h54v7h-54z", ink)
        + shape("M683 560L688 346H692L697 560zM674 343h32v5h-32z", ink)
        + cabins
    )


def palace(plaster: str, shade: str, dark: str, lamp: str) -> str:
    """Leh Palace: blocks that lean inwards, rows of windows, balconies high up."""
    blocks = ((612, 232, 150, 226), (520, 300, 110, 170), (750, 262, 130, 190), (868, 306, 96, 134))
    marks = windows = eaves = shades = ""
    for x, y, w, h in blocks:
        b = h * 0.05
        marks += f"M{n(x - b)} {y + h}L{x} {y}h{w}L{n(x + w + b)} {y + h}z"
        shades += f"M{n(x + w * 0.72)} {y}H{x + w}L{n(x + w + b)} {y + h}H{n(x + w * 0.74)}z"
        eaves += f"M{x - 5} {y - 6}h{w + 10}v7h{-w - 10}z"
        rows = h // 34
        for row in range(rows):
            high = row < 2
            step = 23 if high else 33
            for k in range(int((w - 18) // step)):
                wx, wy = x + 12 + k * step, y + 14 + row * 33
                windows += f"M{wx} {wy}h{11 if high else 7}v{14 if high else 10}h{-11 if high else -7}z"
    balconies = "".join(
        f"M{x} {y}h34v20h-34zM{x - 3} {y - 3}h40v4h-40z" for x, y in ((640, 250), (700, 250), (790, 280), (552, 318))
    )
    glow = "".join(f"M{x} {y}h7v10h-7z" for x, y in ((651, 333), (705, 362), (789, 363), (559, 401)))
    return (
        shape("M470 480Q560 440 640 452H900Q980 430 1010 400L990 500H470z", shade)
        + shape(marks, plaster)
        + shape(shades, shade, ' opacity=".6"')
        + shape(eaves + windows + balconies, dark)
        + shape(glow, lamp)
    )


def old_town(paper: Paper, wall: str, dark: str, lamp: str) -> str:
    """Flat roofs stepping down the hill."""
    walls = shades = windows = glow = ""
    for row in range(4):
        y = 520 + row * 48
        x = 330.0 + row * -40 + paper.dice.uniform(0, 30)
        while x < 1000 + row * 40:
            w, h = paper.dice.uniform(76, 120), paper.dice.uniform(38, 62)
            top = y - h + paper.dice.uniform(-6, 10)
            walls += f"M{n(x)} {n(top)}h{n(w)}V{n(y + 50)}h{n(-w)}z"
            shades += f"M{n(x - 2)} {n(top - 4)}h{n(w + 4)}v5h{n(-w - 4)}zM{n(x + w * 0.78)} {n(top)}h{n(w * 0.22)}V{n(y + 50)}h{n(-w * 0.22)}z"
            for k in range(int(w // 30)):
                window = f"M{n(x + 9 + k * 28)} {n(top + 14)}h9v12h-9z"
                if paper.dice.random() < 0.18:
                    glow += window
                else:
                    windows += window
            x += w + paper.dice.uniform(-2, 10)
    return (
        shape(walls, wall)
        + shape(shades, dark, ' opacity=".28"')
        + shape(windows, dark, ' opacity=".85"')
        + shape(glow, lamp)
    )


def log_house(log: str, roof: str, lamp: str) -> str:
    """Logs in courses under a steep roof of planks; the foot is y=0, 120 wide."""
    courses = "".join(f"M-54 {-8 - i * 9}H54" for i in range(5))
    return (
        shape("M-54 0V-48H54V0z", log)
        + line(courses, roof, 1.8, ' opacity=".55"')
        + shape("M-68 -44L-34 -92H34L68 -44z", roof)
        + shape("M-16 -60h32v-16h-32z", log)
        + shape("M-36 -12v-20h18v20zM18 -12v-20h18v20zM-8 -63h16v-10h-16z", lamp)
        + shape("M-8 0v-28h16v28z", roof)
    )


def spire(x: float, base: float, h: float, w: float, stone: str, shade: str, gold: str) -> str:
    """A curved temple tower with its ribs, ring and golden vase."""
    b, t = base, base - h
    outline = f"M{n(x - w)} {n(b)}C{n(x - w)} {n(b - h * 0.5)} {n(x - w * 0.42)} {n(b - h * 0.86)} {n(x - w * 0.2)} {n(t)}H{n(x + w * 0.2)}C{n(x + w * 0.42)} {n(b - h * 0.86)} {n(x + w)} {n(b - h * 0.5)} {n(x + w)} {n(b)}z"
    dim = f"M{n(x + w * 0.3)} {n(b)}C{n(x + w * 0.34)} {n(b - h * 0.5)} {n(x + w * 0.16)} {n(b - h * 0.86)} {n(x + w * 0.06)} {n(t)}H{n(x + w * 0.2)}C{n(x + w * 0.42)} {n(b - h * 0.86)} {n(x + w)} {n(b - h * 0.5)} {n(x + w)} {n(b)}z"
    ribs_ = "".join(
        f"M{n(x + w * k)} {n(b)}C{n(x + w * k)} {n(b - h * 0.5)} {n(x + w * k * 0.42)} {n(b - h * 0.86)} {n(x + w * k * 0.22)} {n(t + 4)}"
        for k in (-0.55, -0.1)
    )
    bands = "".join(
        f"M{n(x - w * s)} {n(b - h * f)}H{n(x + w * s)}"
        for f, s in ((0.2, 0.97), (0.38, 0.87), (0.54, 0.75), (0.68, 0.6), (0.8, 0.46))
    )
    top = f"M{n(x - w * 0.3)} {n(t)}q{n(w * 0.3)} {n(-w * 0.26)} {n(w * 0.6)} 0q{n(-w * 0.3)} {n(w * 0.2)} {n(-w * 0.6)} 0z"
    vase = f"M{n(x - w * 0.12)} {n(t - w * 0.1)}q{n(-w * 0.08)} {n(-w * 0.22)} {n(w * 0.06)} {n(-w * 0.3)}L{n(x)} {n(t - w * 0.8)}L{n(x + w * 0.06)} {n(t - w * 0.4)}q{n(w * 0.14)} {n(w * 0.08)} {n(w * 0.06)} {n(w * 0.3)}z"
    niche = f"M{n(x - w * 0.24)} {n(b - 4)}v{n(-h * 0.1)}q{n(w * 0.24)} {n(-h * 0.09)} {n(w * 0.48)} 0v{n(h * 0.1)}z"
    return (
        shape(outline, stone)
        + shape(dim, shade, ' opacity=".45"')
        + line(ribs_ + bands, shade, 1.8, ' opacity=".4"')
        + shape(niche, shade)
        + shape(top, stone)
        + shape(vase, gold)
    )


def skyline(paper: Paper, floor: float, colour: str, lamp: str) -> str:
    """The town around the temples."""
    d, lit, x = "", "", -20.0
    while x < 1220:
        w, h = paper.dice.uniform(36, 84), paper.dice.uniform(10, 56)
        d += f"M{n(x)} {n(floor - h)}h{n(w)}V{n(floor + 120)}h{n(-w)}z"
        if paper.dice.random() < 0.6:
            lit += f"M{n(x + 10)} {n(floor - h + 12)}h6v9h-6z"
        if paper.dice.random() < 0.5:
            lit += f"M{n(x + 24)} {n(floor - h + 30)}h6v9h-6z"
        x += w
    return shape(d, colour) + shape(lit, lamp, ' opacity=".8"')


def arcade(x1: float, x2: float, y1: float, y2: float, wall: str, shade: str, gold: str) -> str:
    """The temple court's wall, with pointed arches and small domes."""
    step = (x2 - x1) / 14
    arches = "".join(
        f"M{n(x1 + step * i + 9)} {n(y2)}v{n(-(y2 - y1) * 0.42)}q{n(step / 2 - 9)} {n(-(y2 - y1) * 0.34)} {n(step - 18)} 0v{n((y2 - y1) * 0.42)}z"
        for i in range(14)
    )
    domes = "".join(f"M{n(x - 20)} {n(y1)}q0 -26 20 -30q20 4 20 30z" for x in (x1 + 22, x2 - 22))
    tips = "".join(f"M{n(x)} {n(y1 - 28)}v-14" for x in (x1 + 22, x2 - 22))
    lamps_ = "".join(f"M{n(x1 + step * i + step / 2)} {n(y2 - 16)}h.1" for i in range(14))
    return (
        shape(f"M{n(x1)} {n(y1)}H{n(x2)}V{n(y2)}H{n(x1)}z" + domes, wall)
        + line(f"M{n(x1 - 6)} {n(y1)}H{n(x2 + 6)}", shade, 6)
        + shape(arches, shade)
        + line(tips, gold, 3)
        + line(lamps_, gold, 7)
    )


def ghat(y: float, dark: str, edge: str) -> str:
    """Steps down to the river."""
    steps = "".join(f"M{-20 + i * 6} {y + i * 13:g}H{1220 - i * 6}" for i in range(5))
    return shape(f"M-20 {n(y - 6)}H1220V{n(y + 70)}H-20z", dark) + line(steps, edge, 2.4, ' opacity=".6"')


def shrine(wall: str, shade: str, lamp: str) -> str:
    """White buildings stepped against the slope, a small spire with a flag; the foot is y=0."""
    return (
        shape("M-92 8V-20H-40V-38H0V-54H40V-34H86V8z", wall)
        + shape("M20 8V-54H40V8zM70 8V-34H86V8zM-52 8V-20H-40V8z", shade, ' opacity=".35"')
        + shape(
            "M-82 -8v-8h8v8zM-66 -8v-8h8v8zM-30 -18v-10h8v10zM-14 -18v-10h8v10zM6 -32v-10h8v10zM50 -14v-10h8v10zM-30 0v-10h8v10zM6 -8v-10h8v10zM50 2v-8h8v8z",
            lamp,
        )
        + shape("M-4 -54Q-4 -84 10 -96Q24 -84 24 -54z", wall)
        + line("M10 -96v-24", shade, 2)
        + shape("M10 -120l20 6l-20 7z", "#c0392b")
        + shape("M-96 8H92L84 16H-88z", shade)
    )
