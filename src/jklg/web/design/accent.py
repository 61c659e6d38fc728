"""An agency's own two colours: everything else of that hue is derived in OKLCH, and what could not be read is refused.

OKLCH because equal steps of its lightness look equal in every hue (Björn Ottosson, "A perceptual color space for image
processing", 2020); contrast is WCAG 2.2's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from jklg.settings import BadSettings, Settings

PAPER, INK = "#fbfaf7", "#1c2321"
NIGHT, NIGHT_INK = "#121715", "#e9ece8"
PINE, PINE_AT_NIGHT = "#1f5c4a", "#7cc8ad"
"""tokens.css."""
READABLE = 4.5
COMFORTABLE = 5.0
"""For colours we choose ourselves."""


class Oklch(NamedTuple):
    """Lightness 0 to 1, chroma, hue in radians."""

    lightness: float
    chroma: float
    hue: float


def for_actions(settings: Settings) -> tuple[str, str]:
    """The colour of buttons on paper, under white words, and at night, under dark ones: for what cannot read the sheet, such as a mail."""
    light, dark = {"pine": PINE}, {"pine": PINE_AT_NIGHT}
    if settings.accent:
        _accent(settings.accent, light, dark)
    return light["pine"], dark["pine"]


def sheet(settings: Settings) -> str:
    """The tokens that differ from tokens.css, as CSS; '' without settings of an agency. BadSettings names a colour nobody could read."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    wrong: list[str] = []
    if settings.accent:
        wrong += _accent(settings.accent, light, dark)
    if settings.mark:
        wrong += _mark(settings.mark, light, dark)
    if wrong:
        raise BadSettings("\n".join(wrong))
    if not light:
        return ""
    return f":root{{{_declared(light)}}}@media (prefers-color-scheme:dark){{:root{{{_declared(dark)}}}}}"


def _accent(colour: str, light: dict[str, str], dark: dict[str, str]) -> list[str]:
    """For actions and links: read on paper, and white read on it."""
    worst = min(contrast(colour, PAPER), contrast("#ffffff", colour))
    if worst < READABLE:
        better = _shade(colour, PAPER, READABLE, -1)
        return [f"JKLG_ACCENT={colour} has a contrast of {worst:.1f} on our paper and 4.5 is needed; {better} would do"]
    l, c, h = oklch(colour)  # noqa: E741
    light |= {
        "pine": colour,
        "pine-strong": hexed(Oklch(max(l - 0.08, 0), c, h)),
        "pine-wash": hexed(Oklch(0.945, min(c, 0.1) * 0.2, h)),
        "on-pine": "#ffffff",
    }
    night = _shade(hexed(Oklch(0.77, min(c, 0.12), h)), NIGHT, 8, +1)
    dark |= {
        "pine": night,
        "pine-strong": hexed(Oklch(min(oklch(night).lightness + 0.07, 0.96), min(c, 0.1), h)),
        "pine-wash": hexed(Oklch(0.29, min(c, 0.1) * 0.4, h)),
        "on-pine": "#0e1412",
    }
    return []


def _mark(colour: str, light: dict[str, str], dark: dict[str, str]) -> list[str]:
    """The mark under ink: ink is read on it; as text it is darkened until paper carries it."""
    if contrast(INK, colour) < READABLE:
        better = _shade(colour, INK, READABLE, +1)
        return [
            f"JKLG_MARK={colour} has a contrast of {contrast(INK, colour):.1f} under our ink and 4.5 is needed; {better} would do"
        ]
    _, c, h = oklch(colour)
    night = _shade(hexed(Oklch(0.82, min(c, 0.13), h)), NIGHT, 8, +1)
    light |= {
        "saffron": colour,
        "saffron-text": _shade(colour, PAPER, COMFORTABLE, -1),
        "saffron-wash": hexed(Oklch(0.965, min(c, 0.16) * 0.2, h)),
    }
    dark |= {"saffron": night, "saffron-text": night, "saffron-wash": hexed(Oklch(0.27, min(c, 0.1) * 0.4, h))}
    return []


def _shade(colour: str, ground: str, wanted: float, step: int) -> str:
    """The nearest shade of this hue, darker (-1) or lighter (+1), that reaches a contrast on the ground."""
    lightness, c, h = oklch(colour)
    shade = hexed(Oklch(lightness, c, h))
    while contrast(shade, ground) < wanted and (lightness > 0 if step < 0 else lightness < 1):
        lightness = min(max(lightness + step * 0.01, 0), 1)
        shade = hexed(Oklch(lightness, c, h))
    return shade


def _declared(tokens: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in tokens.items())


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> tuple[float, float, float]:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


def oklch(colour: str) -> Oklch:
    """'#1f5c4a' in OKLCH."""
    r, g, b = _linear(colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return Oklch(lightness, math.hypot(a, b), math.atan2(b, a))


def hexed(colour: Oklch) -> str:
    """In hexadecimal; a colour that screens cannot show keeps lightness and hue and gives up chroma."""
    chroma = colour.chroma
    while True:
        channels = _srgb(Oklch(colour.lightness, chroma, colour.hue))
        if all(-0.0005 <= each <= 1.0005 for each in channels) or chroma < 0.001:
            return "#" + "".join(f"{round(min(max(each, 0), 1) * 255):02x}" for each in channels)
        chroma *= 0.97


def _srgb(colour: Oklch) -> tuple[float, float, float]:
    a, b = colour.chroma * math.cos(colour.hue), colour.chroma * math.sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red, green, blue = (
        each * 12.92 if each <= 0.0031308 else 1.055 * each ** (1 / 2.4) - 0.055
        for each in (
            4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
        )
    )
    return red, green, blue
