"""Pictures of packages, of places and of the gallery: add one with its words, put them in order, take one away."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import catalogue
from jklg.backoffice.looking import Ask, eyes_of
from jklg.catalogue import gallery, pictures
from jklg.catalogue.gallery import Wording
from jklg.catalogue.pictures import Picture
from jklg.catalogue.pictures.rules import MOST_BYTES as LARGEST
from jklg.catalogue.pictures.rules import check_alt
from jklg.kit.errors import BadInput, NotFound, Refusal
from jklg.staff.guard import require_staff
from jklg.web.bodies import MOST_BYTES, read_form, read_upload
from jklg.web.render import go, page

BODY = LARGEST + 64 * 1024
SAID = {"added": "The picture is there.", "kept": "Kept, and shown like this from now on."}
KINDS = ("package", "destination")


@get("/staff/pictures", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """Everything that shows pictures."""
    person = await require_staff(request, "packages_view")
    async with eyes_of(request, person) as conn:
        packages = [
            await catalogue.get_package(conn, each["slug"], unpublished=True)
            for each in await catalogue.list_terms(conn)
        ]
        destinations = await catalogue.list_destinations(conn)
        images = await gallery.list_images(conn, unpublished=True)
    return page(
        request, "backoffice/pictures.html", personal=True, person=person, packages=packages, destinations=destinations,
        images=images,
    )  # fmt: skip


@get("/staff/pictures/{kind:str}/{slug:str}", include_in_schema=False)
async def show(request: Ask, kind: FromPath[str], slug: FromPath[str]) -> Response[bytes]:
    """The pictures of one package or place."""
    person = await require_staff(request, f"{_kind(kind)}s_edit")
    return await _show(request, person, kind, slug)


async def _show(
    request: Ask, person: Any, kind: str, slug: str, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        name, shown = await _pictures(conn, kind, slug)
    return page(
        request, "backoffice/pictures_of.html", personal=True, status=refusal.status if refusal else 200, person=person,
        kind=kind, slug=slug, name=name, pictures=shown, form=form or {}, error=refusal.sentence if refusal else "",
        said=SAID.get(str(request.query_params.get("said", "")), ""),
    )  # fmt: skip


async def _pictures(conn: Any, kind: str, slug: str) -> tuple[str, list[Picture]]:
    found: Any = (
        await catalogue.get_package(conn, slug, unpublished=True)
        if kind == "package"
        else await catalogue.get_destination(conn, slug)
    )
    if found is None:
        raise NotFound(f"{kind}_not_found", "We cannot find this.")
    return found.name, found.pictures


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise NotFound("not_found", "There is nothing here.")
    return kind


@post(
    "/staff/pictures/{kind:str}/{slug:str}",
    include_in_schema=False,
    status_code=200,
    request_max_body_size=BODY,
    opt={MOST_BYTES: BODY},
)
async def add(request: Ask, kind: FromPath[str], slug: FromPath[str]) -> Response[bytes]:
    """Upload one more, at the end."""
    person = await require_staff(request, f"{_kind(kind)}s_edit")
    house, actor = request.app.state.house, f"staff:{person.id}"
    form, content = await read_upload(request, "picture")
    try:
        alt = check_alt(form.get("alt", ""))
        photo = await pictures.keep(house.db, content, actor=actor)
        async with house.db.connection() as conn:
            _, shown = await _pictures(conn, kind, slug)
        await catalogue.arrange_pictures(house.db, kind, slug, [*shown, Picture(alt=alt, photo=photo)], actor=actor)
    except NotFound:
        raise
    except Refusal as refused:
        return await _show(request, person, kind, slug, form, refused)
    return go(f"/staff/pictures/{kind}/{slug}?said=added")


@post("/staff/pictures/{kind:str}/{slug:str}/arrange", include_in_schema=False, status_code=200)
async def arrange(request: Ask, kind: FromPath[str], slug: FromPath[str]) -> Response[bytes]:
    """The order, the words, and what is taken away. Pictures are named by themselves, so that two at work lose nothing."""
    person = await require_staff(request, f"{_kind(kind)}s_edit")
    house = request.app.state.house
    form = await read_form(request)
    async with house.db.connection() as conn:
        _, shown = await _pictures(conn, kind, slug)
    try:
        ordered = [
            Picture(scene=each.scene, photo=each.photo, alt=check_alt(form.get(f"alt.{key_of(each)}", each.alt)))
            for each in sorted(shown, key=lambda each: _place(form, key_of(each), shown.index(each)))
            if not form.get(f"remove.{key_of(each)}")
        ]
        await catalogue.arrange_pictures(house.db, kind, slug, ordered, actor=f"staff:{person.id}")
    except BadInput as refused:
        return await _show(request, person, kind, slug, form, refused)
    return go(f"/staff/pictures/{kind}/{slug}?said=kept")


def key_of(picture: Picture) -> str:
    return picture.photo.digest if picture.photo else picture.scene


def _place(form: dict[str, str], key: str, present: int) -> tuple[int, int]:
    text = form.get(f"position.{key}", "").strip()
    return (int(text) if re.fullmatch("[0-9]{1,4}", text) else present + 1, present)


@get("/staff/gallery", include_in_schema=False)
async def gallery_page(request: Ask) -> Response[bytes]:
    """Every image of the gallery, published or not."""
    person = await require_staff(request, "gallery_edit")
    return await _show_gallery(request, person)


async def _show_gallery(
    request: Ask, person: Any, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        images = await gallery.list_images(conn, unpublished=True)
    return page(
        request, "backoffice/gallery.html", personal=True, status=refusal.status if refusal else 200, person=person,
        images=images, form=form or {}, error=refusal.sentence if refusal else "",
        said=SAID.get(str(request.query_params.get("said", "")), ""),
    )  # fmt: skip


@post("/staff/gallery", include_in_schema=False, status_code=200, request_max_body_size=BODY, opt={MOST_BYTES: BODY})
async def add_image(request: Ask) -> Response[bytes]:
    """Upload one more, at the end."""
    person = await require_staff(request, "gallery_create")
    house, actor = request.app.state.house, f"staff:{person.id}"
    form, content = await read_upload(request, "picture")
    try:
        said = _wording(form)
        check_alt(said.alt)
        photo = await pictures.keep(house.db, content, actor=actor)
        await gallery.add(house.db, said, photo, actor=actor)
    except Refusal as refused:
        return await _show_gallery(request, person, form, refused)
    return go("/staff/gallery?said=added")


@post("/staff/gallery/{image_id:uuid}", include_in_schema=False, status_code=200)
async def change_image(request: Ask, image_id: FromPath[UUID]) -> Response[bytes]:
    """The words and the place in the order of one image, or take it out."""
    house = request.app.state.house
    form = await read_form(request)
    person = await require_staff(request, "gallery_delete" if form.get("remove") else "gallery_edit")
    actor = f"staff:{person.id}"
    try:
        if form.get("remove"):
            await gallery.remove(house.db, image_id, actor=actor)
        else:
            await gallery.change(house.db, image_id, _wording(form), actor=actor)
            await _move(house.db, image_id, form, actor)
    except BadInput as refused:
        return await _show_gallery(request, person, {}, refused)
    return go("/staff/gallery?said=kept")


async def _move(db: Any, image_id: UUID, form: dict[str, str], actor: str) -> None:
    async with db.connection() as conn:
        ids = [each.id for each in await gallery.list_images(conn, unpublished=True)]
    before = ids.index(image_id)
    wanted = _place({"position.": form.get("position", "")}, "", before)[0] - 1
    if wanted != before:
        ids.remove(image_id)
        ids.insert(wanted, image_id)
        await gallery.arrange(db, ids, actor=actor)


def _wording(form: dict[str, str]) -> Wording:
    return Wording(
        title=form.get("title", ""),
        place=form.get("place", ""),
        alt=form.get("alt", ""),
        published=bool(form.get("published")),
    )


router = Router(path="/", route_handlers=[overview, show, add, arrange, gallery_page, add_image, change_image])
