"""The list of what needs a person, for staff who see money. Filters are in the address: a page can be kept or sent on."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import Response, Router, get

from jklg.backoffice.concerns import words
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.backoffice.worklist import queries
from jklg.backoffice.worklist.queries import BANK_LINES, Place, Wanted
from jklg.kit import cursors
from jklg.kit.errors import BadInput
from jklg.payments import browsing
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.render import page

LOOK, ACT = "bookings_create", "bookings_update_payment"
SHOWN = 40
FIELDS = ("kind", "gateway", "whose", "state")
CHOICES = {
    "kind": tuple(words.KINDS),
    "gateway": browsing.GATEWAYS,
    "whose": ("mine", "nobodys"),
    "state": ("settled",),
}


@get("/staff/concerns", include_in_schema=False)
async def worklist(request: Ask) -> Response[bytes]:
    """What is open, or what was settled, with how many there are of each kind."""
    person = await require_staff(request, LOOK)
    form = {field: str(request.query_params.get(field, "")).strip() for field in FIELDS}
    error, rows, counts = None, [], []
    try:
        wanted, after = _wanted(form, person), _after(str(request.query_params.get("cursor", "")))
    except BadInput as refusal:
        error = refusal
    else:
        async with eyes_of(request, person) as conn:
            listing = queries.list_settled if wanted.settled else queries.list_open
            rows = await listing(conn, wanted, after, SHOWN + 1)
            counts = await queries.count_open(conn, wanted)
    following = None
    if len(rows) > SHOWN:
        rows = rows[:SHOWN]
        following = _cursor(rows[-1].place)
    kept = {field: value for field, value in form.items() if value}
    return page(
        request, "backoffice/concerns.html", personal=True, status=error.status if error else 200, person=person, rows=rows, counts=counts,
        bank_lines=sum(each.number for each in counts if each.kind == BANK_LINES), open_ones=sum(each.number for each in counts),
        form=form, filtered=bool(kept), gateways=browsing.GATEWAYS, kinds=words.KINDS, words_of=words.of, may_act=can(person.role, ACT),
        settled=form["state"] == "settled", of_kind=lambda kind: "/staff/concerns?" + urlencode({**kept, "kind": kind}),
        beginning="/staff/concerns?" + urlencode(kept) if request.query_params.get("cursor") else "",
        following="/staff/concerns?" + urlencode({**kept, "cursor": following}) if following else "",
        error=error.sentence if error else "", when=when,
    )  # fmt: skip


def _wanted(form: dict[str, str], person: Person) -> Wanted:
    for field, choices in CHOICES.items():
        if form[field] and form[field] not in choices:
            raise BadInput("filter_invalid", "We do not know this filter.", details={"field": field})
    owner = {"mine": f"staff:{person.id}", "nobodys": "nobody"}.get(form["whose"], "")
    return Wanted(kind=form["kind"], gateway=form["gateway"], owner=owner, settled=form["state"] == "settled")


def _cursor(place: Place) -> str:
    return f"{place.rank}{cursors.write(cursors.Place(place.at, place.id))}"


def _after(cursor: str) -> Place | None:
    """BadInput: cursor_invalid."""
    if not cursor:
        return None
    place = cursors.read(cursor[1:])
    return Place(int(cursor[0] == "1"), place.at, place.id)


router = Router(path="/", route_handlers=[worklist])
