"""Jammu, from back to front."""

from __future__ import annotations

from jklg.catalogue.scenes import buildings, things
from jklg.catalogue.scenes.brush import LEFT, RIGHT, Paper, group, mix


def jammu(paper: Paper) -> None:
    """The spires of Raghunath over the Tawi."""
    light = paper.light
    paper.sky(sun=(600, 320), size=54, horizon=600)
    paper.cloud(90, 150, 330, 0.3)
    paper.cloud(800, 210, 300, 0.3)
    paper.crag(
        [(LEFT, 420), (160, 356), (330, 410), (520, 350), (700, 410), (900, 346), (1060, 400), (RIGHT, 360)],
        620,
        0.14,
        rough=0.08,
    )
    paper.crag([(LEFT, 490), (200, 446), (460, 500), (760, 450), (1000, 490), (RIGHT, 450)], 640, 0.36, rough=0.06)
    paper.mist(440, 120, 0.6)
    stone, shade, gold = mix("#c98f63", light.shade, 0.2), mix("#5b3a3d", light.near, 0.35), light.lamp
    far = mix(stone, light.haze, 0.42)
    paper.add(buildings.skyline(paper, 560, mix(shade, light.haze, 0.3), light.lamp))
    for x, base, h, w in ((210, 590, 190, 40), (330, 590, 240, 48), (890, 590, 230, 48), (1010, 590, 180, 40)):
        paper.add(buildings.spire(x, base, h, w, far, mix(shade, light.haze, 0.35), gold))
    for x, base, h, w in ((455, 610, 290, 58), (765, 610, 290, 58), (610, 616, 400, 78)):
        paper.add(buildings.spire(x, base, h, w, stone, shade, gold))
    paper.add(buildings.arcade(330, 890, 566, 640, mix(stone, shade, 0.35), shade, gold))
    paper.add(buildings.ghat(640, shade, mix(shade, light.low, 0.35)))
    paper.water(702, glints=30)
    paper.add(
        *(
            f'<path d="M{x - w} 702L{x} {702 + h}L{x + w} 702z" fill="{shade}" opacity=".3"/>'
            for x, h, w in ((455, 60, 50), (610, 84, 66), (765, 60, 50))
        )
    )
    paper.add(things.lamps(paper, 330, 890, 712, 780, light.lamp))
    paper.birds(300, 200, paper.tint(0.8))
    paper.birds(850, 150, paper.tint(0.8))


def vaishno_devi(paper: Paper) -> None:
    """Three peaks, and a path of lamps that climbs to the shrine."""
    light = paper.light
    paper.sky(sun=(900, 300), size=30, horizon=600)
    paper.cloud(130, 150, 300, 0.4)
    paper.crag([(LEFT, 400), (180, 330), (340, 390), (860, 400), (1030, 330), (RIGHT, 380)], 600, 0.06, rough=0.09)
    paper.crag(
        [
            (40, 600),
            (230, 420),
            (330, 300),
            (420, 372),
            (520, 300),
            (606, 190),
            (700, 310),
            (780, 372),
            (880, 280),
            (980, 400),
            (RIGHT, 560),
        ],
        660,
        0.36,
        base="#4b6670",
        rough=0.09,
    )
    paper.mist(470, 140, 0.7)
    slope = mix("#41674f", light.near, 0.25)
    paper.hill(
        [(LEFT, 500), (160, 520), (400, 470), (620, 420), (860, 470), (1060, 540), (RIGHT, 520)],
        800,
        paper.gradient(mix(slope, light.haze, 0.3), slope),
    )
    paper.forest([(LEFT, 520), (160, 540), (400, 490), (540, 456)], 24, 44, paper.tint(0.78), 50)
    paper.forest([(720, 456), (860, 490), (1060, 560), (RIGHT, 540)], 24, 46, paper.tint(0.8), 50)
    paper.add(group(buildings.shrine(light.snow, mix(light.shade, light.near, 0.2), light.lamp), 626, 438, 1.15))
    paper.hill([(LEFT, 650), (240, 600), (560, 660), (860, 610), (RIGHT, 660)], 800, mix(slope, light.near, 0.35))
    paper.hill([(LEFT, 740), (300, 710), (640, 770), (900, 710), (RIGHT, 740)], 800, mix(slope, light.near, 0.65))
    way = [
        (180.0, 800.0),
        (420.0, 752.0),
        (300.0, 704.0),
        (600.0, 682.0),
        (850.0, 640.0),
        (560.0, 590.0),
        (420.0, 560.0),
        (640.0, 530.0),
        (760.0, 500.0),
        (600.0, 474.0),
        (630.0, 442.0),
    ]
    paper.add(things.lit_path(way, mix(light.haze, slope, 0.25), light.lamp))
    paper.forest([(LEFT, 790), (100, 760), (180, 800)], 7, 150, paper.tint(1), 30)
    paper.forest([(980, 800), (1100, 750), (RIGHT, 760)], 10, 170, paper.tint(1), 30)
