"""A gateway is called the same everywhere, as its owner writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jklg.kit.gateways import NAMES, card_name, gateway_name
from jklg.kit.languages import speaking
from jklg.kit.languages.gather import HOUSE, sources
from jklg.payments import gateways


def test_every_gateway_has_a_name() -> None:
    assert [gateway_name(code) for code in ("stripe", "paypal", "razorpay")] == ["Stripe", "PayPal", "Razorpay"]
    folder = Path(gateways.__file__).parent
    assert {each.name for each in folder.iterdir() if (each / "__init__.py").exists()} <= set(NAMES)
    assert gateway_name("adyen") == "adyen"


def test_what_is_a_word_of_ours_is_said_in_the_language_of_the_reader() -> None:
    assert (gateway_name("sandbox"), gateway_name("manual")) == ("Play bank", "By hand")
    for code in ("hi", "ar"):
        with speaking(code):
            assert gateway_name("paypal") == "PayPal"
            assert not gateway_name("sandbox").isascii() and not gateway_name("manual").isascii()


def test_a_kept_card_is_named_in_the_language_of_the_reader() -> None:
    assert (card_name("Visa ending 4242"), card_name("Link"), card_name(None)) == (
        "Visa ending 4242",
        "Link",
        "your card",
    )
    with speaking("hi"):
        said = card_name("Visa ending 4242")
        assert "Visa" in said and "4242" in said and "ending" not in said and not card_name("").isascii()


@pytest.mark.parametrize("path", [path for path in sources() if "gateway" in path.read_text("utf-8")], ids=lambda path: path.relative_to(HOUSE).as_posix())  # fmt: skip
def test_nobody_makes_a_name_of_a_code(path: Path) -> None:
    text = path.read_text("utf-8")
    for made in ("gateway | capitalize", "gateway | title", "gateway.capitalize()", "gateway.title()"):
        assert made not in text
