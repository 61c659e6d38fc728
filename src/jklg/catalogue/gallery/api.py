"""The JSON door of the gallery, with the words of the contract: lists are bare arrays, creations answer `{success, data}`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from jklg.catalogue import gallery, pictures
from jklg.catalogue.api import picture_url
from jklg.catalogue.gallery.rules import Image, Wording, no_image
from jklg.catalogue.pictures.rules import FILE_NAME, Photo
from jklg.catalogue.rules import SLUG
from jklg.kit.errors import BadInput, NotSignedIn
from jklg.staff.guard import require_staff

Ask = Request[object, object, State]
Text = Annotated[str, msgspec.Meta(max_length=2000)]


class ImageOut(msgspec.Struct, kw_only=True):
    """`image`, `location`, `image_url`, `description`: the words of older clients for the same things."""

    id: UUID
    title: str
    place: str
    location: str
    image: str
    image_url: str
    alt: str
    description: str
    published: bool


class ImageWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`image_url` is the address of a picture of ours: an uploaded one (`/photos/…`) or a drawn one (`/pictures/….svg`)."""

    title: Text
    image_url: Text
    place: Text = ""
    location: Text = ""
    destination: Text = ""
    alt: Text = ""
    description: Text = ""
    published: bool = True


class Created(msgspec.Struct, kw_only=True):
    success: bool
    data: ImageOut


class Done(msgspec.Struct, kw_only=True):
    success: bool
    message: str


@get("/", summary="Pictures of the gallery")
async def list_images(request: Ask) -> list[ImageOut]:
    """Published ones, in the agency's order."""
    async with request.app.state.house.db.connection() as conn:
        return [_out(each) for each in await gallery.list_images(conn)]


@get("/{image_id:str}", summary="One picture of the gallery")
async def get_image(request: Ask, image_id: FromPath[str]) -> ImageOut:
    """404 `image_not_found`. Staff also see what is not published."""
    try:
        await require_staff(request, "gallery_view")
        staff = True
    except NotSignedIn:
        staff = False
    async with request.app.state.house.db.connection() as conn:
        found = await gallery.get_image(conn, _id(image_id), unpublished=staff)
    if found is None:
        raise no_image()
    return _out(found)


@post("/", status_code=201, summary="Add a picture to the gallery")
async def create_image(request: Ask, data: JSONBody[ImageWanted]) -> Created:
    """For staff who may change the gallery. 422 `title_missing`, `place_invalid`, `alt_missing`, `picture_unknown`."""
    person = await require_staff(request, "gallery_create")
    picture = await _picture(request, data.image_url)
    made = await gallery.add(request.app.state.house.db, _said(data), picture, actor=f"staff:{person.id}")
    return Created(success=True, data=_out(made))


@put("/{image_id:str}", summary="Change a picture of the gallery")
async def update_image(request: Ask, image_id: FromPath[str], data: JSONBody[ImageWanted]) -> Created:
    """The words, and another uploaded picture. 404 `image_not_found`; 422 as when adding."""
    person = await require_staff(request, "gallery_edit")
    picture = await _picture(request, data.image_url)
    changed = await gallery.change(
        request.app.state.house.db,
        _id(image_id),
        _said(data),
        photo=None if isinstance(picture, str) else picture,
        actor=f"staff:{person.id}",
    )
    return Created(success=True, data=_out(changed))


@delete("/{image_id:str}", status_code=200, summary="Take a picture out of the gallery")
async def delete_image(request: Ask, image_id: FromPath[str]) -> Done:
    """404 `image_not_found`."""
    person = await require_staff(request, "gallery_delete")
    await gallery.remove(request.app.state.house.db, _id(image_id), actor=f"staff:{person.id}")
    return Done(success=True, message="The picture is no longer in the gallery.")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise no_image() from None


def _said(data: ImageWanted) -> Wording:
    return Wording(
        title=data.title,
        place=data.place or data.location or data.destination,
        alt=data.alt or data.description,
        published=data.published,
    )


async def _picture(request: Ask, url: str) -> Photo | str:
    """A picture of ours by its address. BadInput: picture_unknown: we show nothing from elsewhere."""
    name = url.rpartition("/")[2]
    if url == f"/photos/{name}" and (asked := FILE_NAME.fullmatch(name)):
        async with request.app.state.house.db.connection() as conn:
            photo = await pictures.find_photo(conn, asked[1])
        if photo is not None:
            return photo
    scene = name.removesuffix(".svg")
    if url == f"/pictures/{scene}.svg" and SLUG.fullmatch(scene) and len(scene) <= 80:
        return scene
    raise BadInput(
        "picture_unknown", "Please upload the picture first, and name its address here.", details={"field": "image_url"}
    )


def _out(image: Image) -> ImageOut:
    url = picture_url(image.picture)
    return ImageOut(
        id=image.id,
        title=image.title,
        place=image.place,
        location=image.place,
        image=url,
        image_url=url,
        alt=image.picture.alt,
        description=image.picture.alt,
        published=image.published,
    )


router = Router(
    path="/api/gallery",
    route_handlers=[list_images, get_image, create_image, update_image, delete_image],
    tags=["gallery"],
)
