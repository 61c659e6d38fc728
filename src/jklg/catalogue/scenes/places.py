"""Which sketch belongs to which place."""

from __future__ import annotations

from collections.abc import Callable

from jklg.catalogue.scenes import jammu, kashmir, ladakh
from jklg.catalogue.scenes.brush import LEFT, RIGHT, Paper


def ridges(paper: Paper) -> None:
    """Any other place: ranges behind ranges, and firs before our feet."""
    dice = paper.dice
    paper.sky(sun=(dice.uniform(240, 960), dice.uniform(180, 280)), size=32)
    paper.cloud(dice.uniform(60, 700), dice.uniform(100, 170), 300, 0.45)
    for i in range(4):
        height = 200 + i * 92
        corners = [(LEFT, height + dice.uniform(10, 60))]
        for k in range(1, 7):
            lift = dice.uniform(-50, 0) if k % 2 else dice.uniform(30, 80)
            corners += [(k * 175 + dice.uniform(-40, 40), height + lift)]
        corners.append((RIGHT, height + dice.uniform(0, 60)))
        paper.crag(corners, 800, i * 0.26, snow=height + 34 if i == 0 else None, rough=0.15 - i * 0.03)
        paper.mist(height + 90, 110, 0.4)
    paper.hill([(LEFT, 690), (300, 650), (640, 710), (940, 660), (RIGHT, 700)], 800, paper.tint(0.9))
    paper.forest([(LEFT, 700), (300, 670), (640, 720), (940, 680), (RIGHT, 710)], 44, 90, paper.tint(1), 60)


SKETCHES: dict[str, tuple[Callable[[Paper], None], str]] = {
    "dal-lake": (kashmir.dal_lake, "Houseboats on Dal Lake"),
    "gulmarg": (kashmir.gulmarg, "The gondola above Gulmarg"),
    "pangong-lake": (ladakh.pangong, "Pangong Lake between bare mountains"),
    "nubra-valley": (ladakh.nubra, "Camels on the dunes of Nubra"),
    "leh-palace": (ladakh.leh_palace, "Leh Palace above the old town"),
    "gurez-valley": (kashmir.gurez, "Habba Khatoon above the Gurez Valley"),
    "sonamarg": (kashmir.sonamarg, "The meadow of Sonamarg below its glacier"),
    "jammu": (jammu.jammu, "The spires of Raghunath Temple in Jammu"),
    "vaishno-devi": (jammu.vaishno_devi, "The path to Vaishno Devi"),
}
