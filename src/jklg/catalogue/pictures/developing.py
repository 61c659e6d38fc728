"""Developing a photograph: turned upright, in sRGB, without a word of what the camera knew, in a few widths and three formats.

Everything runs in a thread, one picture at a time in a process: unpacked pixels are large, and encoders keep a core busy.
"""

from __future__ import annotations

import base64
import io
import warnings

import msgspec
from PIL import Image, ImageCms, ImageFilter, ImageOps

from jklg.catalogue.pictures import rules

_QUALITY = {
    "avif": {"quality": 58, "speed": 8},
    "webp": {"quality": 76, "method": 4},
    "jpeg": {"quality": 80, "progressive": True, "optimize": True},
}
_TINY = 18
"""Pixels across of the placeholder."""


class Developed(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: (format, width) -> content."""

    width: int
    height: int
    widths: list[int]
    placeholder: str
    files: dict[tuple[str, int], bytes]


def develop(content: bytes, kind: str) -> Developed:
    """`kind` is what `check_upload` said. Raises TooLarge (picture_too_large), BadInput (picture_too_small, picture_unreadable)."""
    image = _plain(content, kind)
    widths = rules.widths_of(image.width)
    files = {}
    for width in widths:
        size = (width, max(1, round(image.height * width / image.width)))
        smaller = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image
        for format_ in rules.FORMATS:
            files[format_, width] = _encoded(smaller, format_)
    return Developed(
        width=image.width, height=image.height, widths=widths, placeholder=_placeholder(image), files=files
    )


def _plain(content: bytes, kind: str) -> Image.Image:
    """Nothing but upright pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=(kind,)) as opened:
                rules.check_size(*opened.size)
                most = rules.WIDTHS[-1]
                opened.draft("RGB", (most, most))  # a JPEG is unpacked at half or a quarter of its size
                upright = ImageOps.exif_transpose(opened)
                rgb = _in_srgb(upright, opened.info.get("icc_profile"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise rules.too_many_pixels() from error
    except (OSError, SyntaxError, ValueError) as error:
        raise rules.unreadable("This picture is damaged: we could not read it to its end.") from error
    if rgb.width > rules.WIDTHS[-1]:
        rgb = rgb.resize(
            (rules.WIDTHS[-1], max(1, round(rgb.height * rules.WIDTHS[-1] / rgb.width))), Image.Resampling.LANCZOS
        )
    return Image.frombytes("RGB", rgb.size, rgb.tobytes())  # no place left where metadata could hide


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and image.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            turned = None
        if turned is not None:
            return turned
    if image.mode in ("RGBA", "LA", "PA", "P"):  # what one could see through becomes white, as paper is
        seen = image.convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(paper, seen).convert("RGB")
    return image.convert("RGB")


def _encoded(image: Image.Image, format_: str) -> bytes:
    out = io.BytesIO()
    image.save(out, format_.upper(), **_QUALITY[format_])
    return out.getvalue()


def _placeholder(image: Image.Image) -> str:
    """A few blurred pixels as a data: address of some hundred characters."""
    size = (_TINY, max(1, round(image.height * _TINY / image.width)))
    tiny = image.resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6))
    out = io.BytesIO()
    tiny.save(out, "WEBP", quality=40, method=4)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
