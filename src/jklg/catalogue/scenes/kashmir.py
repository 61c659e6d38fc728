"""Kashmir and Gurez, from back to front."""

from __future__ import annotations

from jklg.catalogue.scenes import buildings, things
from jklg.catalogue.scenes.brush import LEFT, RIGHT, Paper, group, mix


def dal_lake(paper: Paper) -> None:
    """Houseboats under the Zabarwan hills, a shikara, the reeds of the floating gardens."""
    light = paper.light
    paper.sky(sun=(845, 268), size=30, horizon=500)
    paper.cloud(160, 170, 330, 0.4)
    paper.cloud(640, 110, 240, 0.3)
    paper.crag(
        [
            (LEFT, 330),
            (120, 250),
            (230, 300),
            (380, 196),
            (520, 290),
            (640, 236),
            (790, 320),
            (930, 262),
            (1060, 320),
            (RIGHT, 280),
        ],
        500,
        0.05,
        snow=292,
    )
    near = paper.crag(
        [(LEFT, 400), (180, 346), (330, 392), (560, 330), (760, 410), (960, 352), (RIGHT, 400)], 500, 0.32, rough=0.07
    )
    paper.mist(370, 120, 0.75)
    paper.hill([(LEFT, 462), (120, 452), (380, 466), (640, 456), (900, 468), (RIGHT, 454)], 500, paper.tint(0.5))
    far_trees = [(70 + i * 19 + paper.dice.uniform(-6, 6), 474, paper.dice.uniform(36, 74)) for i in range(14)]
    far_trees += [(800 + i * 21 + paper.dice.uniform(-7, 7), 474, paper.dice.uniform(34, 82)) for i in range(17)]
    paper.poplars(far_trees, paper.tint(0.6))
    paper.water(474, glints=34)
    paper.mirror(near, 474, paper.tint(0.4), 0.7, 0.26)
    paper.add(
        *(
            f'<rect x="{x}" y="{y}" width="{w}" height="3" rx="1.5" fill="{light.sun}" opacity=".65"/>'
            for x, y, w in (
                (806, 486, 84),
                (818, 506, 62),
                (800, 530, 92),
                (826, 560, 48),
                (808, 596, 74),
                (822, 640, 50),
            )
        )
    )
    wood, shade = mix(light.near, "#6b3f22", 0.62), paper.tint(0.95)
    boat = paper.again(buildings.houseboat(wood, shade, light.lamp))
    paper.add(group(boat, 58, 506, 0.78, opacity=0.75))
    paper.add(buildings.reflected(boat, 330, 552, 1.34))
    paper.add(buildings.reflected(paper.again(buildings.shikara(paper.tint(1), light.lamp)), 880, 652, 1.35))
    paper.add(
        things.reeds(paper, 0, 800, 150, mix(light.near, "#2f5a3a", 0.4)),
        things.reeds(paper, 1010, 800, 200, mix(light.near, "#2f5a3a", 0.4)),
    )
    paper.birds(520, 190, paper.tint(0.7))


def gulmarg(paper: Paper) -> None:
    """The gondola over dark firs towards the snow of Apharwat."""
    light = paper.light
    paper.sky(sun=(250, 150), size=28, horizon=560)
    paper.cloud(520, 120, 300, 0.55)
    paper.crag([(LEFT, 360), (160, 280), (280, 340), (420, 262), (560, 350), (RIGHT, 330)], 560, 0.02, snow=345)
    paper.crag(
        [
            (LEFT, 470),
            (180, 400),
            (420, 330),
            (600, 232),
            (705, 276),
            (850, 158),
            (1000, 280),
            (1110, 240),
            (RIGHT, 330),
        ],
        620,
        0.22,
        snow=440,
        rough=0.12,
    )
    meadow = "#6f9a58" if paper.hour == "noon" else "#5f7f5c"
    paper.hill(
        [(LEFT, 520), (200, 470), (460, 520), (720, 470), (980, 530), (RIGHT, 480)], 800, paper.tint(0.62, "#27573f")
    )
    paper.forest([(LEFT, 520), (200, 476), (460, 520), (720, 476), (980, 530), (RIGHT, 486)], 46, 62, paper.tint(0.72))
    paper.hill(
        [(LEFT, 600), (300, 560), (640, 620), (900, 560), (RIGHT, 600)],
        800,
        paper.gradient(mix(meadow, light.haze, 0.35), meadow),
    )
    paper.hill([(LEFT, 720), (260, 650), (560, 700), (860, 740), (RIGHT, 690)], 800, mix(meadow, light.near, 0.3))
    paper.add(buildings.gondola(light.near, "#c0392b", light.snow))
    paper.forest([(LEFT, 730), (170, 690), (330, 740)], 9, 190, paper.tint(0.97), 50)
    paper.forest([(930, 760), (1080, 700), (RIGHT, 720)], 9, 220, paper.tint(1), 50)
    paper.add(things.flowers(paper, 330, 930, 690, 790))


def sonamarg(paper: Paper) -> None:
    """A meadow, a stream, birches, and the glacier between its peaks."""
    light = paper.light
    paper.sky(sun=(930, 150), size=28, horizon=560)
    paper.cloud(180, 130, 330, 0.6)
    paper.crag(
        [
            (LEFT, 330),
            (150, 230),
            (260, 290),
            (390, 170),
            (520, 292),
            (600, 330),
            (690, 286),
            (850, 150),
            (960, 240),
            (1090, 196),
            (RIGHT, 290),
        ],
        560,
        0.16,
        snow=380,
    )
    paper.add(things.glacier(light.snow, mix(light.shade, light.snow, 0.6)))
    paper.crag(
        [(LEFT, 420), (140, 360), (300, 430), (440, 492), (560, 530), (640, 566)], 640, 0.5, base="#4d6b5c", rough=0.08
    )
    paper.crag(
        [(590, 560), (690, 512), (800, 470), (960, 390), (1100, 430), (RIGHT, 360)],
        640,
        0.55,
        base="#4d6b5c",
        rough=0.08,
    )
    paper.forest([(LEFT, 500), (200, 500), (430, 560)], 34, 58, paper.tint(0.76), 34)
    paper.forest([(760, 566), (960, 510), (RIGHT, 480)], 34, 60, paper.tint(0.8), 36)
    meadow = "#86a95b" if paper.hour == "noon" else "#6f8a5c"
    paper.hill(
        [(LEFT, 570), (260, 546), (600, 566), (900, 548), (RIGHT, 566)],
        800,
        paper.gradient(mix(meadow, light.haze, 0.4), mix(meadow, light.near, 0.15)),
    )
    paper.add(
        things.river(
            [(604, 556), (650, 590), (560, 634), (720, 700), (470, 812)],
            [5, 16, 34, 62, 130],
            paper.gradient(*light.water),
            light.snow,
        )
    )
    paper.hill([(LEFT, 690), (180, 660), (420, 740), (520, 800)], 800, mix(meadow, light.near, 0.32))
    paper.hill([(700, 800), (860, 730), (1040, 690), (RIGHT, 700)], 800, mix(meadow, light.near, 0.36))
    birch = paper.again(things.birch(paper, mix("#7ba04a", light.near, 0.1)))
    for x, y, h in ((70, 740, 1.0), (150, 724, 0.84), (1080, 742, 0.96), (1150, 752, 1.1)):
        paper.add(group(birch, x, y, h, flip=x % 20 != 0))
    paper.add(
        group(things.pony(paper.tint(0.98)), 815, 668, 0.72), group(things.pony(paper.tint(0.98)), 880, 676, 0.62)
    )
    paper.add(things.flowers(paper, 40, 420, 720, 795))


def gurez(paper: Paper) -> None:
    """The pyramid of Habba Khatoon, the river, log houses."""
    light = paper.light
    paper.sky(sun=(250, 240), size=28, horizon=560)
    paper.cloud(770, 150, 300, 0.45)
    paper.cloud(90, 120, 230, 0.35)
    paper.crag(
        [(LEFT, 360), (140, 300), (300, 380), (420, 330), (800, 350), (940, 270), (1080, 340), (RIGHT, 280)],
        560,
        0.08,
        snow=350,
    )
    paper.crag(
        [(250, 560), (430, 368), (520, 256), (606, 112), (690, 232), (800, 372), (960, 560)],
        620,
        0.4,
        base="#5f6a6a",
        rough=0.09,
        snow=300,
    )
    paper.add(things.ribs(paper, (606, 112), mix(light.shade, light.near, 0.4)))
    paper.mist(430, 130, 0.7)
    slope = mix("#3f6b4a", light.near, 0.3)
    paper.hill([(LEFT, 440), (120, 470), (320, 540), (520, 600), (640, 612)], 700, mix(slope, light.haze, 0.18))
    paper.hill([(560, 612), (760, 570), (960, 500), (RIGHT, 430)], 700, mix(slope, light.haze, 0.08))
    paper.forest([(LEFT, 470), (120, 492), (320, 556), (470, 596)], 34, 62, paper.tint(0.82), 40)
    paper.forest([(720, 590), (960, 520), (RIGHT, 460)], 34, 66, paper.tint(0.88), 46)
    meadow = mix("#8a9f5a", light.near, 0.2)
    paper.hill(
        [(LEFT, 640), (300, 606), (640, 612), (940, 600), (RIGHT, 630)],
        800,
        paper.gradient(mix(meadow, light.haze, 0.3), mix(meadow, light.near, 0.35)),
    )
    paper.add(
        things.river(
            [(640, 606), (560, 632), (700, 668), (520, 722), (760, 810)],
            [6, 20, 46, 90, 190],
            paper.gradient(*light.water),
            light.snow,
        )
    )
    log, roof = mix("#7a5236", light.near, 0.15), mix("#3d3a3a", light.near, 0.3)
    house = paper.again(buildings.log_house(log, roof, light.lamp))
    for x, y, scale in ((150, 664, 0.8), (320, 652, 0.66), (226, 706, 1.05), (930, 668, 0.78), (1060, 690, 1)):
        paper.add(group(house, x, y, scale))
    paper.forest([(LEFT, 800), (100, 770), (200, 800)], 6, 170, paper.tint(1), 30)
