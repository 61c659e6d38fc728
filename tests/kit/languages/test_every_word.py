"""Every word that people read can be said in another language, and is: nothing is hard-coded, nothing is left without a translation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from jklg.kit.languages import ENGLISH, LANGUAGES
from jklg.kit.languages.gather import HOUSE, catalogue_of, gathered, sources, untranslated

SPOKEN_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label", "aria-description", "content", "value", "label")
NOT_WORDS = re.compile(r"&[a-z#0-9]+;|[\W\d_]", re.ASCII)
NAMES = {"JKLG", "UTC", "QR", "PDF", "CSV", "ICS", "UPI", "API", "Stripe", "PayPal", "Razorpay", "m", "km", "camt.053"}
"""What is called the same everywhere."""

NOT_YET: set[str] = {
    "backoffice/templates/backoffice/concern_money.html",
    "backoffice/templates/backoffice/bank.html",
    "backoffice/templates/backoffice/bank_line.html",
    "backoffice/templates/backoffice/booking.html",
    "backoffice/templates/backoffice/concern.html",
    "backoffice/templates/backoffice/evidence.html",
    "backoffice/templates/backoffice/foreseen.html",
    "backoffice/templates/backoffice/money_of_booking.html",
    "backoffice/templates/backoffice/notice.html",
    "backoffice/templates/backoffice/payment.html",
    "backoffice/templates/backoffice/payments.html",
    "backoffice/templates/backoffice/terms.html",
    "backoffice/templates/backoffice/terms_of_package.html",
    "backoffice/templates/backoffice/today.html",
    "bookings/emails/booking_confirmed/body.html.j2",
    "bookings/emails/booking_confirmed/body.txt",
    "bookings/emails/booking_confirmed/subject.txt",
    "bookings/emails/booking_given_up/body.html.j2",
    "bookings/emails/booking_given_up/body.txt",
    "bookings/emails/booking_given_up/subject.txt",
    "bookings/reminding/emails/departure_near/body.html.j2",
    "bookings/reminding/emails/departure_near/body.txt",
    "bookings/reminding/emails/departure_near/subject.txt",
    "bookings/templates/accounts/bookings.html",
    "bookings/templates/accounts/overview.html",
    "bookings/templates/bookings/checkout.html",
    "bookings/templates/bookings/closed.html",
    "bookings/templates/bookings/mine.html",
    "bookings/templates/bookings/parts.html",
    "customers/entering/emails/new_device/body.html.j2",
    "customers/entering/emails/new_device/body.txt",
    "customers/entering/emails/new_device/subject.txt",
    "customers/factors/emails/factor_changed/body.html.j2",
    "customers/factors/emails/factor_changed/body.txt",
    "customers/factors/emails/factor_changed/subject.txt",
    "customers/joining/emails/already_have_account/body.html.j2",
    "customers/joining/emails/already_have_account/body.txt",
    "customers/joining/emails/already_have_account/subject.txt",
    "customers/joining/emails/verify_email/body.html.j2",
    "customers/joining/emails/verify_email/body.txt",
    "customers/joining/emails/verify_email/subject.txt",
    "customers/leaving/emails/goodbye/body.html.j2",
    "customers/leaving/emails/goodbye/body.txt",
    "customers/leaving/emails/goodbye/subject.txt",
    "customers/moving/emails/confirm_new_email/body.html.j2",
    "customers/moving/emails/confirm_new_email/body.txt",
    "customers/moving/emails/confirm_new_email/subject.txt",
    "customers/moving/emails/email_changing/body.html.j2",
    "customers/moving/emails/email_changing/body.txt",
    "customers/moving/emails/email_changing/subject.txt",
    "customers/recovery/emails/password_changed/body.html.j2",
    "customers/recovery/emails/password_changed/body.txt",
    "customers/recovery/emails/password_changed/subject.txt",
    "customers/recovery/emails/password_reset/body.html.j2",
    "customers/recovery/emails/password_reset/body.txt",
    "customers/recovery/emails/password_reset/subject.txt",
    "customers/templates/customers/address.html",
    "customers/templates/customers/addresses.html",
    "customers/templates/customers/authenticator.html",
    "customers/templates/customers/confirm_email.html",
    "customers/templates/customers/delete.html",
    "customers/templates/customers/email.html",
    "customers/templates/customers/export.html",
    "customers/templates/customers/forgot.html",
    "customers/templates/customers/frame.html",
    "customers/templates/customers/passkey.html",
    "customers/templates/customers/password.html",
    "customers/templates/customers/preferences.html",
    "customers/templates/customers/profile.html",
    "customers/templates/customers/prove.html",
    "customers/templates/customers/recovery_codes.html",
    "customers/templates/customers/reset.html",
    "customers/templates/customers/second_step.html",
    "customers/templates/customers/security.html",
    "customers/templates/customers/sign_in.html",
    "customers/templates/customers/sign_up.html",
    "customers/templates/customers/sure.html",
    "customers/templates/customers/undo_email.html",
    "customers/templates/customers/verify.html",
    "enquiries/emails/enquiry_answered/body.html.j2",
    "mail/templates/mail/mail.html",
    "mail/templates/mail/outbox.html",
    "payments/balances/emails/balance_due/body.html.j2",
    "payments/balances/emails/balance_due/body.txt",
    "payments/balances/emails/balance_due/subject.txt",
    "payments/balances/emails/card_refused/body.html.j2",
    "payments/balances/emails/card_refused/body.txt",
    "payments/balances/emails/card_refused/subject.txt",
    "payments/balances/emails/card_will_be_charged/body.html.j2",
    "payments/balances/emails/card_will_be_charged/body.txt",
    "payments/balances/emails/card_will_be_charged/subject.txt",
    "payments/emails/late_money_refunded/body.html.j2",
    "payments/emails/late_money_refunded/body.txt",
    "payments/emails/late_money_refunded/subject.txt",
    "payments/emails/payment_receipt/body.html.j2",
    "payments/emails/payment_receipt/body.txt",
    "payments/emails/payment_receipt/subject.txt",
    "payments/emails/refund_sent/body.html.j2",
    "payments/emails/refund_sent/body.txt",
    "payments/emails/refund_sent/subject.txt",
    "payments/templates/payments/booking.html",
    "payments/templates/payments/choose.html",
    "payments/templates/payments/declined.html",
    "payments/templates/payments/giving_up.html",
    "payments/templates/payments/pay.html",
    "payments/templates/payments/trip.html",
    "payments/templates/payments/waiting.html",
    "payments/templates/payments/widgets/paypal.html",
    "payments/templates/payments/widgets/razorpay.html",
    "payments/templates/payments/widgets/sandbox.html",
    "payments/templates/payments/widgets/stripe.html",
    "site/templates/site/how_booking_works.html",
    "site/templates/site/letter.html",
    "site/templates/site/letters.html",
    "site/templates/site/terms.html",
    "staff/templates/staff/sign_in.html",
    "web/design/templates/web/components.html",
    "web/design/templates/web/macros.html",
    "web/templates/web/schema.html",
    "backoffice/templates/backoffice/concerns.html",
    "backoffice/templates/backoffice/giving_up.html",
    "backoffice/templates/backoffice/needs.html",
    "payments/templates/payments/amounts.html",
}  # fmt: skip
"""Templates whose words cannot be translated yet: a list that only gets shorter."""

STAFF_ONLY = (
    "backoffice/",
    "staff/",
    "reconciliation/",
    "payments/desk/",
    "payments/concerns",
    "startup/",
    "cli.py",
    "web/design/",
    "site/letters/",
)
JOURNEY = tuple(code for code, language in LANGUAGES.items() if language.direction == "rtl")
"""Languages in which a traveller is spoken to, and staff are not."""


def templates() -> list[Path]:
    return [path for path in sources() if path.suffix != ".py"]


def bare_words(text: str, *, html: bool) -> list[str]:
    """What a template says by itself, without asking for the words of a language."""
    text = re.sub(r"{#.*?#}", " ", text, flags=re.S)
    text = re.sub(r"{%-?\s*(trans|blocktrans)\b.*?{%-?\s*endtrans\s*-?%}", " ", text, flags=re.S)
    text = re.sub(r"{%.*?%}", " ", text, flags=re.S)
    text = re.sub(r"{{.*?}}", "0", text, flags=re.S)
    if not html:
        return _words(text)
    reader = _Reader()
    reader.feed(text)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._silent += tag in ("style", "script", "code", "pre")
        for name, value in attrs:
            if name not in SPOKEN_ATTRIBUTES or not value or given.get("translate") == "no":
                continue
            if name == "content" and given.get("name") not in ("description",):
                continue
            if name == "value" and not (tag == "input" and given.get("type") in ("submit", "button")):
                continue
            self.found += _words(value)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found += _words(data)


def _words(text: str) -> list[str]:
    said = [word.strip("“”‘’()[]:;,.!?·×–—-/…") for word in text.split()]
    return [word for word in said if NOT_WORDS.sub("", word) and word not in NAMES]


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_a_template_says_nothing_by_itself(path: Path) -> None:
    name = path.relative_to(HOUSE).as_posix()
    found = bare_words(path.read_text("utf-8"), html=path.suffix != ".txt")
    if name in NOT_YET:
        assert found, f"{name} can be translated now: take it off the list"
    else:
        assert not found, f"{name} says this in English to everybody: {' '.join(found[:20])}"


def test_bare_words_are_found_where_they_hide() -> None:
    page = '<p>{{ _("Pay") }} now</p><img alt="A lake"><input value="typed" name="content"><code>x y</code>{% if a %}then{% endif %}'
    assert bare_words(page, html=True) == ["now", "A", "lake", "then"]
    assert bare_words("{% trans %}All{% endtrans %} {{ name }}, 12 ₹", html=True) == []


def test_the_catalogues_hold_what_is_said_and_nothing_else() -> None:
    said = {(message.id, message.context) for message in gathered() if message.id}
    for code in LANGUAGES:
        if code != ENGLISH:
            kept = {(message.id, message.context) for message in catalogue_of(code) if message.id}
            assert kept == said, f"{code}.po: run python -m jklg.kit.languages.gather; {kept ^ said}"


def _for_travellers(message: Message) -> bool:
    return any(not name.startswith(STAFF_ONLY) for name, _ in message.locations)


@pytest.mark.skipif(bool(NOT_YET), reason="translated when all words can be")
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_nothing_is_left_without_a_translation(code: str) -> None:
    missing = [each.id for each in untranslated(code) if code not in JOURNEY or _for_travellers(each)]
    assert not missing, f"{len(missing)}: {missing[:10]}"


_PLACES = re.compile(r"%\((\w+)\)s|{(\w+)}")


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != ENGLISH])
def test_a_translation_has_the_same_places_to_fill_in(code: str) -> None:
    for message in catalogue_of(code):
        if not message.id:
            continue
        one, *many = message.id if isinstance(message.id, tuple) else (message.id,)
        wanted = {name for text in (one, *many) for name in _PLACES.findall(text)}
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            assert set(_PLACES.findall(text or "")) <= wanted, f"{code}: {message.id!r}"
            assert not text or isinstance(message.id, tuple) or set(_PLACES.findall(text)) == wanted, (
                f"{code}: {message.id!r}"
            )
