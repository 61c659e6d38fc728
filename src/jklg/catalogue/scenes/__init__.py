"""Drawn pictures of mountains, for places without a photograph. The same name always gives the same drawing.

A scene is a place and a light: `dal-lake-dawn`, `pangong-lake-noon`, `jammu-dusk`. A place nobody has drawn yet gets ridges
of its own, shaped by its name.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape

from jklg.catalogue.scenes import brush, places

_LIGHT_OF_DESTINATION = {
    "dal-lake": "dawn",
    "gulmarg": "noon",
    "pangong-lake": "noon",
    "nubra-valley": "dusk",
    "gurez-valley": "dawn",
    "vaishno-devi": "dawn",
    "sonamarg": "noon",
    "leh-palace": "dawn",
}


@lru_cache(maxsize=64)
def draw(scene: str, width: int = 1200, height: int = 800) -> str:
    """The scene as one SVG element of this size. Composed for 3:2; other shapes are cut at the sides or at top and bottom."""
    place, _, light = scene.rpartition("-")
    if light not in brush.LIGHTS:
        place, light = scene, "noon"
    paper = brush.Paper(scene, light)
    sketch, title = places.SKETCHES.get(place, (places.ridges, place.replace("-", " ").title()))
    sketch(paper)
    words = escape(f"{title} {_WHEN[light]}, a drawing")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {brush.WIDTH} {brush.HEIGHT}"'
        f' preserveAspectRatio="xMidYMid slice" role="img" aria-labelledby="{paper.prefix}t"><title id="{paper.prefix}t">{words}</title>'
        f"<defs>{''.join(paper.defs)}</defs>{''.join(paper.marks)}</svg>"
    )


def of_destination(slug: str) -> str:
    """The scene that stands for a destination."""
    return f"{slug}-{_LIGHT_OF_DESTINATION.get(slug, 'noon')}"


_WHEN = {"dawn": "at dawn", "noon": "by day", "dusk": "at dusk"}
