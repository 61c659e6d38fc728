"""Ladakh, from back to front."""

from __future__ import annotations

from jklg.catalogue.scenes import buildings, things
from jklg.catalogue.scenes.brush import HEIGHT, LEFT, RIGHT, WIDTH, Paper, mix


def pangong(paper: Paper) -> None:
    """Bands of blue between bare mountains."""
    light = paper.light
    earth, rust = "#a9805c", "#7d5a44"
    paper.sky(sun=(930, 130) if paper.hour == "noon" else (930, 270), size=26, horizon=420)
    paper.cloud(140, 110, 360, 0.7)
    paper.cloud(560, 170, 260, 0.5)
    paper.crag(
        [
            (LEFT, 300),
            (110, 220),
            (240, 290),
            (390, 190),
            (520, 280),
            (690, 205),
            (840, 300),
            (1000, 226),
            (RIGHT, 290),
        ],
        420,
        0.3,
        base=earth,
        snow=268,
        rough=0.13,
    )
    paper.crag([(LEFT, 250), (130, 214), (300, 330), (450, 372), (600, 398)], 420, 0.62, base=rust, rough=0.1)
    paper.crag(
        [(610, 400), (760, 352), (900, 318), (1040, 236), (1130, 262), (RIGHT, 210)], 420, 0.7, base=rust, rough=0.1
    )
    bands = ["#bfe3dc", "#7cc7cd", "#3fa2bf", "#2383b2", "#1a659c", "#174f86", "#1f75a5", "#56b6bf", "#a8dccf"]
    top = 398.0
    for i, band in enumerate(bands):
        colour = band if paper.hour == "noon" else mix(band, light.water[i % 2], 0.45)
        if i == 0:
            paper.water(top, glints=0, fill=colour)
        else:
            wave = [(x, top + paper.dice.uniform(-3, 3) * (1 + i * 0.6)) for x in range(-60, WIDTH + 121, 180)]
            paper.hill(wave, HEIGHT, colour)
        top += 9 + i * 8.2
    paper.add(things.sparkle(paper, 410, 690, 46, light.snow))
    sand = paper.gradient(mix("#d9c19c", light.haze, 0.2), "#b08f68")
    paper.hill(
        [(LEFT, 770), (150, 742), (320, 700), (520, 716), (700, 672), (900, 706), (1060, 660), (RIGHT, 668)],
        HEIGHT,
        sand,
    )
    paper.add(things.stones(paper, 40, 1160, 735, 790, "#8a6f55", light.snow))
    paper.add(things.cairn(905, 716, "#6d5644"))
    paper.add(things.flags(905, 660, 1230, 560, light.near))


def nubra(paper: Paper) -> None:
    """Dunes before snow peaks, and camels on a crest."""
    light = paper.light
    paper.sky(sun=(330, 300), size=36, horizon=480)
    paper.cloud(700, 130, 330, 0.35)
    paper.crag(
        [
            (LEFT, 310),
            (110, 214),
            (230, 286),
            (360, 180),
            (500, 290),
            (640, 200),
            (770, 276),
            (900, 150),
            (1030, 262),
            (1130, 206),
            (RIGHT, 270),
        ],
        480,
        0.12,
        snow=286,
    )
    paper.crag(
        [(LEFT, 390), (140, 330), (330, 400), (560, 352), (800, 410), (1010, 322), (RIGHT, 372)],
        500,
        0.45,
        base="#5b4350",
        rough=0.1,
    )
    paper.mist(390, 100, 0.6)
    green = mix(light.near, "#4f6a3a", 0.4)
    paper.hill([(LEFT, 470), (300, 462), (700, 474), (RIGHT, 460)], 580, green)
    paper.poplars(
        [(60 + i * 17 + paper.dice.uniform(-5, 5), 476, paper.dice.uniform(26, 66)) for i in range(24)],
        mix(green, light.near, 0.45),
    )
    paper.poplars(
        [(690 + i * 23 + paper.dice.uniform(-6, 6), 476, paper.dice.uniform(22, 50)) for i in range(20)],
        mix(green, light.near, 0.35),
    )
    lit, dim = mix("#e7bb83", light.low, 0.35), mix("#8a5f52", light.shade, 0.35)
    paper.add(
        things.dune([(LEFT, 520), (240, 478), (520, 520), (800, 486), (RIGHT, 530)], 800, mix(lit, light.haze, 0.35))
    )
    paper.add(
        *things.crest(
            [(LEFT, 610), (200, 560), (420, 520), (600, 500), (760, 530), (960, 590), (RIGHT, 570)],
            (600, 500),
            800,
            lit,
            dim,
            lean=190,
        )
    )
    paper.add(things.caravan(paper.tint(1), 505, 506))
    paper.add(
        *things.crest(
            [(LEFT, 720), (180, 706), (420, 690), (640, 650), (800, 612), (960, 640), (RIGHT, 700)],
            (800, 612),
            800,
            mix(lit, "#f6d6a4", 0.5),
            mix(dim, light.near, 0.12),
            lean=120,
        )
    )
    paper.add(things.ripples(paper, 0, 700, 716, 796, dim))


def leh_palace(paper: Paper) -> None:
    """Nine storeys above the old town, poplars below, Stok behind."""
    light = paper.light
    paper.sky(sun=(260, 250), size=30, horizon=560)
    paper.cloud(120, 130, 280, 0.4)
    paper.crag(
        [
            (LEFT, 380),
            (110, 290),
            (230, 350),
            (380, 240),
            (520, 340),
            (640, 280),
            (820, 350),
            (1000, 250),
            (1120, 320),
            (RIGHT, 280),
        ],
        600,
        0.1,
        snow=345,
    )
    paper.crag(
        [(LEFT, 500), (170, 440), (360, 500), (560, 520), (RIGHT, 560)], 800, 0.4, base="#7a5f52", rough=0.09, detail=2
    )
    hill = "#8f6b52"
    paper.crag(
        [
            (240, 640),
            (400, 560),
            (520, 486),
            (640, 446),
            (900, 430),
            (1010, 380),
            (1090, 330),
            (1150, 300),
            (RIGHT, 340),
        ],
        800,
        0.72,
        base=hill,
        rough=0.09,
    )
    plaster, dark = mix("#e3cfb0", light.haze, 0.2), mix("#4c342b", light.near, 0.3)
    paper.add(buildings.palace(plaster, mix("#b3906f", light.shade, 0.25), dark, light.lamp))
    paper.add(things.flags(1128, 318, 905, 360, light.near))
    paper.add(buildings.old_town(paper, mix(plaster, hill, 0.3), dark, light.lamp))
    paper.hill([(LEFT, 716), (260, 690), (520, 726), (800, 700), (RIGHT, 730)], 800, mix("#6f7f4e", light.near, 0.25))
    spots = [
        (30 + i * 84 + paper.dice.uniform(-20, 20), 770 + paper.dice.uniform(-26, 40), paper.dice.uniform(120, 230))
        for i in range(6)
    ]
    spots += [
        (930 + i * 52 + paper.dice.uniform(-14, 14), 780 + paper.dice.uniform(-20, 30), paper.dice.uniform(110, 190))
        for i in range(6)
    ]
    paper.poplars(sorted(spots, key=lambda s: s[1]), mix("#3c5a35", light.near, 0.4), mix("#a8a852", light.low, 0.4))
    paper.hill([(LEFT, 790), (300, 764), (700, 792), (RIGHT, 770)], 800, paper.tint(1))
