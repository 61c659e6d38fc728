"""Photographs: what is sent is developed, what the camera knew is forgotten, what is no picture is refused."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import asyncpg
import httpx
import pytest
from PIL import Image

from jklg import catalogue, demo, staff
from jklg.catalogue import gallery, pictures
from jklg.catalogue.gallery import Wording
from jklg.catalogue.pictures import Picture
from jklg.catalogue.pictures.developing import develop
from jklg.catalogue.pictures.rules import check_upload
from jklg.kit.db import Database
from jklg.kit.errors import Refusal
from jklg.kit.ids import uuid7

PASSWORD = "a lake between two bare mountains 7"
ALT = "Houseboats on a still lake, hills behind them."


def a_photo(width: int = 900, height: int = 600, format_: str = "JPEG", **more: Any) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (width // 2, 0, width, height))
    out = io.BytesIO()
    image.save(out, format_, **more)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def test_a_photograph_is_there_in_three_formats_and_never_wider_than_it_was() -> None:
    found = develop(a_photo(1000, 700), "JPEG")
    assert found.widths == [360, 720]
    assert {(format_, width) for format_, width in found.files} == {
        (format_, width) for format_ in ("avif", "webp", "jpeg") for width in (360, 720)
    }
    for (format_, width), content in found.files.items():
        image = opened(content)
        assert (image.format, image.size) == (format_.upper(), (width, round(700 * width / 1000)))
    assert found.placeholder.startswith("data:image/webp;base64,")
    assert len(found.placeholder) < 600


def test_what_the_camera_knew_is_forgotten_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    exif[0x010F] = "A telephone of Asha's"
    exif.get_ifd(0x8825)[2] = (34.0, 7.0, 1.0)
    found = develop(a_photo(900, 600, exif=exif), "JPEG")
    assert (found.width, found.height) == (600, 900)
    for content in found.files.values():
        image = opened(content)
        assert not image.getexif()
        assert "exif" not in image.info and "icc_profile" not in image.info
        assert b"telephone" not in content
        top, bottom = image.convert("RGB").getpixel((180, 20)), image.convert("RGB").getpixel((180, image.height - 20))
        assert top[0] > 150 > top[2]  # type: ignore[index]
        assert bottom[2] > 150 > bottom[0]  # type: ignore[index]


def test_what_one_could_see_through_becomes_white() -> None:
    image = Image.new("RGBA", (700, 500), (0, 0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    found = develop(out.getvalue(), "PNG")
    assert min(opened(found.files["jpeg", 360]).getpixel((5, 5))) > 250  # type: ignore[arg-type]


def a_bomb() -> bytes:
    """A PNG of a few hundred bytes that claims to be 40,000 by 40,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "picture_missing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "picture_unreadable"),
        (a_photo(format_="GIF"), "picture_unreadable"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "picture_unreadable"),
        (a_photo()[:3000], "picture_unreadable"),
        (b"\xff\xd8\xff" + b"no picture at all" * 100, "picture_unreadable"),
        (a_photo(599, 399), "picture_too_small"),
        (a_bomb(), "picture_too_large"),
        (b"\xff\xd8\xff" + b"\0" * (20 * 1024 * 1024), "picture_too_large"),
    ],
    ids=["nothing", "svg", "gif", "heic", "cut short", "a lie", "small", "a bomb", "21 megabytes"],
)
def test_what_is_no_picture_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        develop(content, check_upload(content))
    assert refusal.value.code == code


async def test_the_same_photograph_sent_twice_is_one(db: Database) -> None:
    first = await pictures.keep(db, a_photo(), actor="staff:x")
    assert await pictures.keep(db, a_photo(), actor="staff:x") == first
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM pictures") == 1
        assert await conn.fetchval("SELECT count(*) FROM picture_files") == 6
        with pytest.raises(asyncpg.UniqueViolationError, match="pictures_kept_once"):
            await conn.execute(
                "INSERT INTO pictures (id, digest, width, height, widths, placeholder, uploaded_by) "
                "SELECT $1, digest, width, height, widths, placeholder, uploaded_by FROM pictures",
                uuid7(),
            )


async def test_a_picture_is_drawn_or_taken_and_says_what_one_sees(db: Database) -> None:
    await demo.load(db)
    photo = await pictures.keep(db, a_photo(), actor="staff:x")
    package = "SELECT id FROM packages LIMIT 1"
    place = "SELECT id FROM destinations LIMIT 1"
    for promise, statement in (
        ("package_pictures_drawn_or_taken", f"INSERT INTO package_pictures SELECT ({package}), 9, 'x', 'alt', $1"),
        (
            "destination_pictures_drawn_or_taken",
            f"INSERT INTO destination_pictures (destination_id, position, scene, picture_id, alt) SELECT ({place}), 9, 'x', $1, 'alt'",
        ),
        (
            "gallery_images_drawn_or_taken",
            "INSERT INTO gallery_images (id, title, scene, picture_id, alt) SELECT gen_random_uuid(), 'a', 'x', $1, 'alt'",
        ),
        (
            "gallery_images_say_what_one_sees",
            "INSERT INTO gallery_images (id, title, picture_id, alt) SELECT gen_random_uuid(), 'a', $1, ''",
        ),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=promise):
            async with db.transaction() as conn:
                await conn.execute(statement, photo.id)


@pytest.fixture
async def chitra(client: httpx.AsyncClient, db: Database) -> httpx.AsyncClient:
    """Chitra is a manager, signed in, in the office of the demo agency."""
    await demo.load(db)
    await staff.add(db, email="chitra@example.org", name="Chitra", role="Manager", password=PASSWORD)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    answer = await client.post("/staff/sign-in", data={"email": "chitra@example.org", "password": PASSWORD})
    assert answer.status_code == 303
    return client


async def test_chitra_puts_a_photograph_on_a_journey_and_visitors_see_it(chitra: httpx.AsyncClient) -> None:
    page = "/staff/pictures/package/kashmir-bliss"
    sent = await chitra.post(page, data={"alt": ALT}, files={"picture": ("a.jpg", a_photo(1300, 900), "text/plain")})
    assert (sent.status_code, sent.headers.get("location")) == (303, f"{page}?said=added"), sent.text
    shown = (await chitra.get(page)).text
    digest = shown.partition("/photos/")[2][:32]
    form = {f"position.{digest}": "0", f"alt.{digest}": ALT, "remove.dal-lake-dawn": "1"}
    assert (await chitra.post(f"{page}/arrange", data=form)).status_code == 303
    journey = (await chitra.get("/packages/kashmir-bliss")).text
    assert (
        f'srcset="/photos/{digest}-360.avif 360w, /photos/{digest}-720.avif 720w, /photos/{digest}-1200.avif 1200w"'
        in journey
    )
    assert f'alt="{ALT}"' in journey and "data:image/webp;base64," in journey
    assert "dal-lake-dawn.svg" not in journey
    told = (await chitra.get("/api/packages/kashmir-bliss")).json()
    assert told["image"] == f"/photos/{digest}-1200.jpeg"
    for format_ in ("avif", "webp", "jpeg"):
        file = await chitra.get(f"/photos/{digest}-720.{format_}")
        assert file.headers["content-type"] == f"image/{format_}"
        assert "immutable" in file.headers["cache-control"]
    assert (await chitra.get(f"/photos/{digest}-721.jpeg")).status_code == 404
    assert (await chitra.get("/share/packages/kashmir-bliss.png")).status_code == 200
    assert (await chitra.get("/checkout", follow_redirects=True)).status_code < 500


async def test_a_photograph_may_be_larger_than_anything_else_we_take(chitra: httpx.AsyncClient) -> None:
    image = Image.effect_noise((1400, 1400), 90)
    out = io.BytesIO()
    image.save(out, "PNG")
    assert len(out.getvalue()) > 1024 * 1024
    page = "/staff/pictures/destination/gulmarg"
    sent = await chitra.post(page, data={"alt": ALT}, files={"picture": ("a.png", out.getvalue(), "image/png")})
    assert sent.status_code == 303, sent.text
    too_much = await chitra.post(page, data={"alt": ALT}, files={"picture": ("a.png", b"x" * (21 * 1024 * 1024), "")})
    assert too_much.status_code == 413


async def test_without_words_or_without_a_picture_nothing_is_kept(chitra: httpx.AsyncClient) -> None:
    page = "/staff/pictures/destination/gulmarg"
    silent = await chitra.post(page, data={"alt": " "}, files={"picture": ("a.jpg", a_photo(), "image/jpeg")})
    assert silent.status_code == 422 and "what one would see" in silent.text
    nothing = await chitra.post(page, data={"alt": ALT}, files={"picture": ("a.jpg", b"", "image/jpeg")})
    assert nothing.status_code == 422 and "choose a picture" in nothing.text and ALT in nothing.text
    last = {f"remove.{scene}": "1" for scene in ("dal-lake-dawn", "gulmarg-noon", "sonamarg-noon", "dal-lake-dusk")}
    kept = await chitra.post("/staff/pictures/package/kashmir-bliss/arrange", data=last)
    assert kept.status_code == 422 and "one picture at least" in kept.text


@pytest.mark.parametrize("charset", ["nonsense", "base64", "undefined"])
@pytest.mark.parametrize("door", ["/staff/pictures/destination/gulmarg", "/staff/gallery"])
async def test_a_form_in_an_encoding_that_nobody_knows_is_told_so(
    chitra: httpx.AsyncClient, door: str, charset: str
) -> None:
    strange = {"alt": (None, ALT, f"text/plain; charset={charset}"), "picture": ("a.jpg", a_photo(), "image/jpeg")}
    answer = await chitra.post(door, files=strange)
    assert answer.status_code == 400 and "could not read this form" in answer.text


async def test_a_place_shows_its_photographs_instead_of_its_drawing(chitra: httpx.AsyncClient) -> None:
    page = "/staff/pictures/destination/gulmarg"
    sent = await chitra.post(page, data={"alt": ALT}, files={"picture": ("a.png", a_photo(format_="PNG"), "")})
    assert sent.status_code == 303, sent.text
    assert "/photos/" in (await chitra.get("/destinations/gulmarg")).text
    assert "/photos/" in (await chitra.get("/api/destinations/gulmarg")).json()["image"]


@pytest.mark.parametrize("role", ["Guide", "Support", None])
async def test_only_those_who_edit_packages_touch_their_pictures(
    client: httpx.AsyncClient, db: Database, role: str | None
) -> None:
    await demo.load(db)
    client.headers["Sec-Fetch-Site"] = "same-origin"
    if role:
        await staff.add(db, email="dev@example.org", name="Dev", role=role, password=PASSWORD)
        await client.post("/staff/sign-in", data={"email": "dev@example.org", "password": PASSWORD})
    for path in ("/staff/pictures/package/kashmir-bliss", "/staff/gallery"):
        sent = await client.post(path, data={"alt": ALT}, files={"picture": ("a.jpg", a_photo(), "")})
        assert sent.status_code == (403 if role else 401)
    async with db.transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM pictures") == 0


async def test_two_who_arrange_pictures_take_turns(db: Database) -> None:
    """Both replace all rows of one package: without the lock the second would run into the first one's rows."""
    import asyncio

    await demo.load(db)
    shown = [Picture(scene=f"dal-lake-{light}", alt=ALT) for light in ("dawn", "noon", "dusk")]
    await asyncio.gather(
        *(catalogue.arrange_pictures(db, "package", "kashmir-bliss", shown, actor="staff:x") for _ in range(6))
    )
    async with db.connection() as conn:
        package = await catalogue.get_package(conn, "kashmir-bliss")
    assert package is not None and [each.scene for each in package.pictures] == [each.scene for each in shown]


# --- the gallery ------------------------------------------------------------------------------------------------------


async def test_the_gallery_is_a_bare_array_of_what_is_published(client: httpx.AsyncClient, db: Database) -> None:
    await gallery.add(db, Wording(title="Hidden", alt=ALT), "dal-lake-dawn", actor="staff:x")
    await gallery.add(
        db, Wording(title="Dawn", place="Dal Lake", alt=ALT, published=True), "dal-lake-dawn", actor="staff:x"
    )
    (one,) = (await client.get("/api/gallery")).json()
    assert (one["title"], one["location"], one["image"]) == ("Dawn", "Dal Lake", "/pictures/dal-lake-dawn.svg")
    assert (await client.get(f"/api/gallery/{one['id']}")).json() == one
    assert (await client.get(f"/api/gallery/{uuid7()}")).status_code == 404
    shown = (await client.get("/gallery")).text
    assert "Dawn" in shown and "Hidden" not in shown


async def test_chitra_keeps_the_gallery_over_the_api_and_strangers_do_not(
    chitra: httpx.AsyncClient, db: Database
) -> None:
    wanted = {
        "title": "The lake",
        "image_url": "/pictures/pangong-lake-noon.svg",
        "description": ALT,
        "location": "Ladakh",
    }
    made = await chitra.post("/api/gallery", json=wanted)
    assert (made.status_code, made.json()["success"]) == (201, True)
    id_ = made.json()["data"]["id"]
    changed = await chitra.put(f"/api/gallery/{id_}", json={**wanted, "title": "The blue lake", "published": False})
    assert changed.json()["data"]["title"] == "The blue lake"
    for wrong, code in (
        ({"image_url": "https://elsewhere.example/x.jpg"}, "picture_unknown"),
        ({"description": ""}, "alt_missing"),
        ({"title": " "}, "title_missing"),
    ):
        refused = await chitra.post("/api/gallery", json=wanted | wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert (await chitra.delete(f"/api/gallery/{id_}")).status_code == 200
    assert (await chitra.delete(f"/api/gallery/{id_}")).status_code == 404
    chitra.cookies.clear()
    assert (await chitra.post("/api/gallery", json=wanted)).status_code == 401


async def test_chitra_hangs_a_photograph_and_moves_it_to_the_front(chitra: httpx.AsyncClient) -> None:
    words = {"title": "Ours", "place": "Srinagar", "alt": ALT, "published": "1"}
    sent = await chitra.post("/staff/gallery", data=words, files={"picture": ("a.jpg", a_photo(), "")})
    assert sent.status_code == 303, sent.text
    ours = next(each for each in (await chitra.get("/api/gallery")).json() if each["title"] == "Ours")
    moved = await chitra.post(f"/staff/gallery/{ours['id']}", data={**words, "position": "1"})
    assert moved.status_code == 303
    assert (await chitra.get("/api/gallery")).json()[0]["title"] == "Ours"
    await chitra.post(f"/staff/gallery/{ours['id']}", data={**words, "remove": "1"})
    assert "Ours" not in (await chitra.get("/gallery")).text
