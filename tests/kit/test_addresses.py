"""Plain addresses take a shorter way, to the same answer as email-validator's."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jklg.kit import addresses
from jklg.kit.addresses import normal_address

_PARTS = st.text(st.sampled_from("abzAZ09-_+.@x"), max_size=12)
_LIKE_AN_ADDRESS = st.builds(
    "{}@{}.{}".format, _PARTS, _PARTS, st.sampled_from(["org", "IN", "x1", "test", "invalid", "a"])
)


def _by_the_library(address: str) -> str | None:
    try:
        return validate_email(address.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


@settings(max_examples=2000, deadline=None)
@given(st.one_of(_LIKE_AN_ADDRESS, st.emails(), st.text(max_size=30)))
@example("Asha.Rao+ladakh@Example.ORG")
@example("a@xn--bcher-kva.example.org")
@example("a@a--b.org")
@example("a@ab-.org")
@example("a@-ab.org")
@example("a.@b.org")
@example(".a@b.org")
@example("a..b@b.org")
@example("a@b.test")
@example("a@invalid")
@example("a@localhost.org")
@example("a@x.localhost")
@example("a@b.org\n")
@example("a" * 65 + "@b.org")
@example("a@" + "b" * 64 + ".org")
@example("a@" + "b." * 100 + "org")
@example("a@b.o1g")
@example("a@1.2.3.4")
@example("आशा@example.org")
@example("K@example.org")
def test_every_address_is_kept_as_the_library_would_keep_it(address: str) -> None:
    assert normal_address(address) == _by_the_library(address)


@pytest.mark.parametrize("address", ["asha@example.org", "Asha.Rao+2027@mail.Example.co.in", "a_b-c@x1.travel"])
def test_a_plain_address_needs_no_library(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _by_the_library(address)
    monkeypatch.delattr(addresses, "validate_email")
    assert normal_address(address) == expected
