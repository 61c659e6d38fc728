"""Every page, as somebody may open it: `./jklg look` draws them, the axe test examines them, and a page that is in no list fails a test.

A room adds its own pages here. What is written in braces is on the stage (`stage.py`): `/bookings/{held}/pay`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Shown(NamedTuple):
    """`name` is that of the file it is drawn into, `path` what a browser asks for, `status` what is answered."""

    name: str
    path: str
    status: int = 200


PUBLIC = (
    Shown("home", "/"),
    Shown("packages", "/packages"),
    Shown("packages-found", "/packages?theme=lakes&sort=price"),
    Shown("packages-none", "/packages?destination=gurez-valley&days=1-3&theme=lakes"),
    Shown("package", "/packages/kashmir-bliss"),
    Shown("package-far", "/packages/ladakh-adventure"),
    Shown("destinations", "/destinations"),
    Shown("destination", "/destinations/pangong-lake"),
    Shown("compare", "/compare?with=kashmir-bliss,ladakh-adventure,gurez-valley-explorer"),
    Shown("compare-none", "/compare"),
    Shown("wishes", "/wishes"),
    Shown("gallery", "/gallery"),
    Shown("how-booking-works", "/how-booking-works"),
    Shown("terms", "/terms"),
    Shown("faq", "/faq"),
    Shown("about", "/about"),
    Shown("testimonials", "/testimonials"),
    Shown("reviews", "/packages/kashmir-bliss/reviews"),
    Shown("questions", "/packages/kashmir-bliss/questions"),
    Shown("questions-sent", "/packages/kashmir-bliss/questions?sent=1"),
    Shown("embed", "/embed/packages/kashmir-bliss"),
    Shown("dead-link", "/travellers/x/y", 404),
    Shown("contact", "/contact"),
    Shown("contact-sent", "/contact?sent=1"),
    Shown("bookings-none", "/bookings"),
    Shown("login", "/login"),
    Shown("signup", "/signup"),
    Shown("verify-email", "/verify-email"),
    Shown("forgot-password", "/forgot-password"),
    Shown("reset-password", "/reset-password"),
    Shown("confirm-email", "/confirm-email"),
    Shown("undo-email-change", "/undo-email-change"),
    Shown("not-found", "/packages/atlantis", 404),
    Shown("booking-of-somebody", "/bookings/AAAAAA", 404),
    Shown("schema", "/schema"),
    Shown("components", "/dev/components"),
)
"""Pages of the demo agency that need nobody signed in."""

BOOKING = (
    Shown("checkout", "/checkout?departure={departure}&adult=2&child=1"),
    Shown("checkout-sold-out", "/checkout?departure={sold_out}&adult=2", 409),
    Shown("booking-held", "/bookings/{held}"),
    Shown("pay", "/bookings/{held}/pay"),
    Shown("pay-choose", "/bookings/{deposit}/pay"),
    Shown("pay-declined", "/bookings/{declined}/return"),
    Shown("pay-waiting", "/bookings/{waiting}/return?looked=9"),
    Shown("booking-confirmed", "/bookings/{confirmed}"),
    Shown("booking-part-paid", "/bookings/{part_paid}"),
    Shown("pay-rest", "/bookings/{part_paid}/pay"),
    Shown("booking-cancelled", "/bookings/{cancelled}"),
    Shown("booking-expired", "/bookings/{expired}"),
    Shown("booking-travelled", "/bookings/{travelled}"),
    Shown("documents", "/bookings/{confirmed}/documents"),
    Shown("documents-none", "/bookings/{held}/documents"),
    Shown("cancel-held", "/bookings/{held}/cancel"),
    Shown("cancel-paid", "/bookings/{confirmed}/cancel"),
    Shown("cancel-by-terms", "/bookings/{part_paid}/cancel"),
    Shown("travellers", "/bookings/{deposit}/travellers"),
    Shown("travellers-named", "/bookings/{confirmed}/travellers"),
    Shown("companion", "/travellers/{link}/{link_token}"),
    Shown("terms-agreed", "/bookings/{confirmed}/terms"),
    Shown("review", "/bookings/{travelled}/review"),
    Shown("review-written", "/bookings/{reviewed}/review"),
    Shown("bookings", "/bookings"),
)
"""Pages of Asha's bookings, in every state that they can be in."""

ACCOUNT = (
    Shown("account", "/account"),
    Shown("account-bookings", "/account/bookings"),
    Shown("account-documents", "/account/documents"),
    Shown("profile", "/account/profile"),
    Shown("addresses", "/account/addresses"),
    Shown("address-new", "/account/addresses/new"),
    Shown("address", "/account/addresses/{address}"),
    Shown("preferences", "/account/preferences"),
    Shown("security", "/account/security"),
    Shown("password", "/account/security/password"),
    Shown("email", "/account/security/email"),
    Shown("authenticator", "/account/security/authenticator"),
    Shown("authenticator-remove", "/account/security/authenticator/remove"),
    Shown("recovery-codes", "/account/security/recovery-codes"),
    Shown("recovery-codes-remove", "/account/security/recovery-codes/remove"),
    Shown("passkeys", "/account/security/passkeys"),
    Shown("passkeys-only", "/account/security/passkeys-only"),
    Shown("export", "/account/export"),
    Shown("delete", "/account/delete"),
    Shown("prove", "/prove"),
    Shown("second-step", "/login/second-step"),
    Shown("mail-stop", "/mail/stop/{mail}/{stop_token}"),
)
"""Asha's account."""

STAFF = (
    Shown("staff-today", "/staff"),
    Shown("staff-booking", "/staff/bookings/{confirmed}"),
    Shown("staff-booking-disputed", "/staff/bookings/{disputed}"),
    Shown("staff-documents", "/staff/bookings/{confirmed}/documents"),
    Shown("staff-money", "/staff/bookings/{by_hand}/money"),
    Shown("staff-money-due", "/staff/bookings/{part_paid}/money"),
    Shown("staff-give-up", "/staff/bookings/{part_paid}/give-up?adult=1"),
    Shown("staff-payments", "/staff/payments"),
    Shown("staff-payments-none", "/staff/payments?q=nobody"),
    Shown("staff-payment", "/staff/payments/{payment}"),
    Shown("staff-pictures", "/staff/pictures"),
    Shown("staff-pictures-of", "/staff/pictures/package/{package}"),
    Shown("staff-gallery", "/staff/gallery"),
    Shown("staff-enquiries", "/staff/enquiries"),
    Shown("staff-enquiry", "/staff/enquiries/{ticket}"),
    Shown("staff-questions", "/staff/questions"),
    Shown("staff-question", "/staff/questions/{asked}"),
    Shown("staff-departures", "/staff/departures"),
    Shown("staff-departure", "/staff/departures/{leaving}"),
    Shown("staff-circulars", "/staff/circulars"),
    Shown("staff-circular-new", "/staff/circulars/new?departure={leaving}"),
    Shown("staff-circular", "/staff/circulars/{circular}"),
    Shown("staff-embed", "/staff/embed"),
    Shown("staff-reviews", "/staff/reviews"),
    Shown("staff-review", "/staff/reviews/{review}"),
    Shown("staff-faq", "/staff/faq"),
    Shown("staff-faq-new", "/staff/faq/new"),
    Shown("staff-faq-one", "/staff/faq/{question}"),
    Shown("staff-agency", "/staff/agency"),
    Shown("staff-terms", "/staff/terms"),
    Shown("staff-terms-of", "/staff/terms/{package}"),
    Shown("staff-concerns", "/staff/concerns"),
    Shown("staff-concern-suspense", "/staff/concerns/payments/{mismatch}"),
    Shown("staff-concern-dispute", "/staff/concerns/payments/{chargeback}"),
    Shown("staff-concern-difference", "/staff/concerns/payments/{difference}"),
    Shown("staff-bank", "/staff/bank"),
    Shown("staff-bank-line", "/staff/bank/lines/{line}"),
    Shown("staff-evidence", "/staff/disputes/{dispute}/evidence"),
    Shown("staff-sign-in", "/staff/sign-in"),
    Shown("dev-mail", "/dev/mail"),
    Shown("dev-mail-one", "/dev/mail/{mail}"),
    Shown("dev-letters", "/dev/mail/templates"),
    Shown("dev-letter", "/dev/mail/templates/booking_confirmed"),
)
"""What staff see, and those who build. Staff are not spoken to from right to left."""

NO_PAGE = {
    "/packages/{slug}/price": "a part of the package's page",
    "/embed.js": "a script",
    "/pictures/{scene}": "a picture",
    "/photos/{name}": "a picture",
    "/share/house.png": "a picture",
    "/share/{kind}/{name}": "a picture",
    "/manage/{reference}/{token}": "leads to the booking",
    "/bookings/{reference}/documents/{name}": "a PDF",
    "/account/tidings/live": "a stream",
    "/customer-dashboard": "leads to the account",
    "/account/avatar": "a picture",
    "/account/export/file": "a file",
    "/account/security/passkeys/{passkey_id}/remove": "asks whether one is sure, as for the authenticator; wants a device that has one",
    "/staff/bookings/{reference}/documents/{name}": "a PDF",
    "/accent.css": "a style sheet",
    "/dev/mail/{mail_id}/html": "a mail as it was sent: the mails have tests of their own",
    "/dev/mail/templates/{name}/html": "a mail as it was sent",
    "/schema/openapi.json": "for programs",
    "/schema/{path}": "404, as not-found",
    "/static/{name}": "files",
    "/favicon.ico": "a picture",
    "/robots.txt": "for robots",
    "/sitemap.xml": "for robots",
}
"""Addresses of docs/pages.md that show nobody a page of their own, and why."""

TABLE = Path(__file__).parents[2] / "docs" / "pages.md"


def unseen() -> list[str]:
    """Addresses of docs/pages.md that are opened by nothing above."""
    opened = [re.sub(r"{\w+}", "x", shown.path.partition("?")[0]) for shown in (*PUBLIC, *BOOKING, *ACCOUNT, *STAFF)]
    rows = [row.split("|") for row in TABLE.read_text("utf-8").splitlines() if row.startswith("| GET")]
    pages = [row[2].strip(" `") for row in rows]
    return [
        page
        for page in pages
        if page not in NO_PAGE and not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", page), path) for path in opened)
    ]


def at(shown: Shown, addresses: Mapping[str, str], prefix: str = "") -> str:
    return prefix + shown.path.format_map(addresses)
