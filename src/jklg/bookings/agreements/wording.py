"""What the booking terms say, in the language that is spoken. Whoever changes a word here gives them another version."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from jklg.kit.languages import gettext as _
from jklg.kit.languages import ngettext, spoken
from jklg.pricing.terms import Said

VERSION = "2026-12"


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Terms word for word. `body` is short markup."""

    version: str
    locale: str
    body: str

    @property
    def digest(self) -> bytes:
        return sha256(self.body.encode()).digest()

    @property
    def mark(self) -> str:
        """What a booking says it agreed to: no two texts have the same."""
        return f"{self.version}-{self.locale}-{self.digest.hex()}"


def current(agency: str, hold_minutes: int, sale: Said | None = None) -> Text:
    """As they are offered now, with what the terms of sale say that apply. None: of no journey in particular, which nobody agrees to."""
    parts = [
        _("What you and %(agency)s agree on when you book here.") % {"agency": agency},
        f"## {_('The booking')}",
        ngettext(
            "When you hold seats, we take them off sale for %(n)s minute. The booking is made when your payment has arrived; we confirm it by e-mail. Until then you owe us nothing and may let it go.",
            "When you hold seats, we take them off sale for %(n)s minutes. The booking is made when your payment has arrived; we confirm it by e-mail. Until then you owe us nothing and may let it go.",
            hold_minutes,
        )
        % {"n": hold_minutes},
        f"## {_('The price')}",
        _(
            "The price is the one shown when you held the seats, with all its lines. It does not change afterwards. Ages count on the day of departure; if a date of birth turns out to be wrong, we correct the price to the category that applies."
        ),
        *(sale.paying if sale else ()),
        f"## {_('Payments that come late or twice')}",
        _(
            "A payment that arrives when the seats are gone, or a second payment for the same booking, is sent back in full to where it came from."
        ),
        f"## {_('Cancelling')}",
        _("A booking that is only held can be given up at any time, free of charge."),
        "\n".join(f"- {each}" for each in sale.giving_up) if sale else _each_has_its_own(),
        f"## {_('What we keep about you')}",
        _(
            "What you type to book, what the payment provider tells us about the payment (never your card number), and who changed what. We use it to run the journey and to keep the books that the law asks for."
        ),
    ]
    return Text(version=VERSION, locale=spoken().code, body="\n\n".join(parts))


def _each_has_its_own() -> str:
    return _(
        "Each journey has terms of its own: whether a deposit confirms it, when the rest is due, and what comes back of a paid booking that is given up. They are shown on its page and in the checkout, and belong to what you agree to."
    )


def version_of(mark: str | None) -> str | None:
    """What people call it: '2026-11', of 2026-11-en-<digest> as well as of what was recorded before texts were kept."""
    return "-".join(mark.split("-")[:2]) if mark else mark
