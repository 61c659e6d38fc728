"""The JSON door of reviews, with the words of the contract: `/api/testimonials`, a bare array, creations answer `{success, data}`.

What travellers wrote through their booking cannot be edited here either; what staff create here reached them otherwise, is of no
package, and its stars count nowhere.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Request, Router, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from jklg import reviews
from jklg.kit.errors import NotSignedIn
from jklg.reviews import rules
from jklg.reviews.rules import Review, Saying
from jklg.staff.guard import require_staff

Ask = Request[object, object, State]
Text = Annotated[str, msgspec.Meta(max_length=5000)]
LISTED = 200


class TestimonialOut(msgspec.Struct, kw_only=True):
    """`customer_name` and `content`: the words of older clients for the same things. `status`: pending, published, rejected."""

    id: UUID
    name: str
    customer_name: str
    rating: int
    message: str
    content: str
    status: str
    is_approved: bool
    chosen: bool
    reply: str
    date: date
    package: str | None
    location: str = ""
    avatar: str = ""
    image: str | None = None


class TestimonialWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`image_url`, `location` and `avatar` of older clients are not kept: we show no pictures of people."""

    customer_name: Text
    rating: Annotated[int, msgspec.Meta(ge=1, le=5)]
    content: Text
    image_url: Text | None = None
    location: Text = ""
    avatar: Text = ""


class Done(msgspec.Struct, kw_only=True):
    success: bool
    message: str


class Kept(msgspec.Struct, kw_only=True):
    success: bool
    data: TestimonialOut


@get("/", summary="What travellers say")
async def list_testimonials(request: Ask) -> list[TestimonialOut]:
    """Published ones, newest first, up to 200."""
    house = request.app.state.house
    async with house.db.connection() as conn:
        found = await reviews.list_by_status(conn, "published", None, LISTED)
    return [_out(each) for each in found if not (each.made_up and house.settings.production)]


@get("/{testimonial_id:str}", summary="One review")
async def get_testimonial(request: Ask, testimonial_id: FromPath[str]) -> TestimonialOut:
    """404 `testimonial_not_found`. Staff also see what is not published, and in production what was made up for a demonstration."""
    house = request.app.state.house
    db = house.db
    try:
        await require_staff(request, "testimonials_view")
    except NotSignedIn:
        async with db.connection() as conn:
            found = await reviews.get(conn, _id(testimonial_id))
        if found is not None and found.made_up and house.settings.production:
            found = None
    else:
        async with db.transaction() as conn:
            found = await reviews.get(conn, _id(testimonial_id))
    if found is None:
        raise rules.no_review()
    return _out(found)


@post("/", status_code=201, summary="Write down what the agency was told")
async def create_testimonial(request: Ask, data: JSONBody[TestimonialWanted]) -> Kept:
    """For an Admin. Not published yet. 422 `name_invalid`, `message_missing`."""
    person = await require_staff(request, "testimonials_create")
    made = await reviews.tell(request.app.state.house.db, _said(data), actor=f"staff:{person.id}")
    return Kept(success=True, data=_out(made))


@put("/{testimonial_id:str}", summary="Word anew what the agency was told")
async def update_testimonial(request: Ask, testimonial_id: FromPath[str], data: JSONBody[TestimonialWanted]) -> Kept:
    """For an Admin. 404 `testimonial_not_found`; 409 `words_are_theirs` for what a traveller wrote; 422 as when creating."""
    person = await require_staff(request, "testimonials_edit")
    kept = await reviews.tell(
        request.app.state.house.db, _said(data), review_id=_id(testimonial_id), actor=f"staff:{person.id}"
    )
    return Kept(success=True, data=_out(kept))


@patch("/{testimonial_id:str}/approve", summary="Publish a review")
async def approve_testimonial(request: Ask, testimonial_id: FromPath[str]) -> Kept:
    """For staff who may approve. 404 `testimonial_not_found`."""
    person = await require_staff(request, "testimonials_approve")
    kept = await reviews.decide(
        request.app.state.house.db, _id(testimonial_id), "published", actor=f"staff:{person.id}"
    )
    return Kept(success=True, data=_out(kept))


@delete("/{testimonial_id:str}", status_code=200, summary="Remove a review")
async def delete_testimonial(request: Ask, testimonial_id: FromPath[str]) -> Done:
    """For an Admin. 404 `testimonial_not_found`."""
    person = await require_staff(request, "testimonials_delete")
    await reviews.remove(request.app.state.house.db, _id(testimonial_id), actor=f"staff:{person.id}")
    return Done(success=True, message="The review is gone.")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise rules.no_review() from None


def _said(data: TestimonialWanted) -> Saying:
    return Saying(name=data.customer_name, rating=data.rating, message=data.content)


def _out(review: Review) -> TestimonialOut:
    return TestimonialOut(
        id=review.id,
        name=review.name,
        customer_name=review.name,
        rating=review.rating,
        message=review.message,
        content=review.message,
        status=review.status,
        is_approved=review.status == "published",
        chosen=review.chosen,
        reply=review.reply,
        date=(review.decided_at or review.created_at).date(),
        package=review.package_name,
    )


_handlers = [
    list_testimonials, get_testimonial, create_testimonial, update_testimonial, approve_testimonial, delete_testimonial,
]  # fmt: skip
router = Router(path="/api/testimonials", route_handlers=_handlers, tags=["testimonials"])
