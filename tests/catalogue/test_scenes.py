"""Every place has its own drawing: small, well-formed, described, and always the same."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from jklg.catalogue import scenes
from jklg.demo.agency import DESTINATIONS, TOURS

DRAWN = [
    *(scenes.of_destination(place.slug) for place in DESTINATIONS),
    *(picture.scene for tour in TOURS for picture in tour.package.pictures),
    "somewhere-nobody-drew",
]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("scene", sorted(set(DRAWN)))
def test_a_scene_is_a_small_described_and_harmless_picture(scene: str) -> None:
    drawn = scenes.draw(scene)
    assert len(drawn.encode()) < 12 * 1024
    svg = ElementTree.fromstring(drawn)
    assert (svg.get("role"), svg.get("width"), svg.get("height")) == ("img", "1200", "800")
    title = svg.find(f"{SVG}title")
    assert title is not None
    assert title.text
    assert svg.get("aria-labelledby") == title.get("id")
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= {
        "svg",
        "title",
        "defs",
        "linearGradient",
        "radialGradient",
        "stop",
        "g",
        "path",
        "rect",
        "circle",
        "use",
    }
    assert not [
        value for element in svg.iter() for value in element.attrib.values() if "nan" in value or "inf" in value
    ]


def test_the_same_name_gives_the_same_drawing_and_another_name_another_one() -> None:
    first = {scene: scenes.draw(scene) for scene in DRAWN}
    scenes.draw.cache_clear()
    assert {scene: scenes.draw(scene) for scene in DRAWN} == first
    assert len(set(first.values())) == len(set(DRAWN))


def test_every_place_of_the_agency_was_drawn_by_hand() -> None:
    for scene in DRAWN[:-1]:
        place, _, light = scene.rpartition("-")
        assert place in scenes.places.SKETCHES, scene
        assert light in scenes.brush.LIGHTS, scene


def test_a_name_cannot_smuggle_markup_into_the_picture() -> None:
    drawn = scenes.draw('"><script>alert(1)</script>')
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)


def test_gradients_of_two_pictures_on_one_page_do_not_mix() -> None:
    def ids(scene: str) -> set[str]:
        return {
            str(element.get("id")) for element in ElementTree.fromstring(scenes.draw(scene)).iter() if element.get("id")
        }

    assert not ids("dal-lake-dawn") & ids("dal-lake-dusk")
