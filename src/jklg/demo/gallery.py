"""What hangs in the demo agency's gallery, until staff put photographs there."""

from __future__ import annotations

from jklg.catalogue.gallery import Wording


def _said(title: str, place: str, alt: str) -> Wording:
    return Wording(title=title, place=place, alt=alt, published=True)


GALLERY: tuple[tuple[str, Wording], ...] = (
    (
        "dal-lake-dawn",
        _said(
            "Before the market", "Dal Lake", "Houseboats on a still lake at dawn, a boatman on his way to the market."
        ),
    ),
    (
        "pangong-lake-noon",
        _said("Blue, for once really", "Pangong Lake", "A long blue lake between bare brown mountains."),
    ),
    (
        "gurez-valley-dusk",
        _said(
            "Habba Khatoon in the last light",
            "Gurez Valley",
            "A pyramid of rock above log houses and firs, the sky violet.",
        ),
    ),
    (
        "gulmarg-noon",
        _said(
            "Up to Kongdoori", "Gulmarg", "Red cabins of a gondola above meadows and firs, snow on the ridge behind."
        ),
    ),
    (
        "nubra-valley-dusk",
        _said(
            "Sand at three thousand metres", "Nubra Valley", "Two-humped camels on dunes, mountains dark behind them."
        ),
    ),
    ("sonamarg-noon", _said("Under Thajiwas", "Sonamarg", "A meadow with ponies and birches below a glacier.")),
    (
        "leh-palace-dawn",
        _said("The old town wakes", "Leh", "A palace of nine storeys on its hill above flat roofs, in early light."),
    ),
    ("jammu-dusk", _said("Aarti hour", "Jammu", "Spires of a temple before a glowing sky.")),
    (
        "vaishno-devi-dawn",
        _said("Twelve kilometres by lamplight", "Vaishno Devi", "A lit path that winds up a dark hill before sunrise."),
    ),
    ("dal-lake-dusk", _said("The lamps come on", "Dal Lake", "Lit windows of houseboats on dark water at dusk.")),
    (
        "gurez-valley-dawn",
        _said("Dawar, early", "Gurez Valley", "Log houses by a river, a pointed mountain in the first sun."),
    ),
    (
        "pangong-lake-dusk",
        _said("Wind down, light down", "Pangong Lake", "The lake in orange and violet after sunset."),
    ),
)
"""(name of a drawing, its words)."""
