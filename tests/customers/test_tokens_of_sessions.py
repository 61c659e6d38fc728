"""The token of a session says who; nothing that we did not write, letter for letter, says anything."""

from __future__ import annotations

import base64
import json
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jklg.customers.sessions.rules import AUDIENCE, Visitor, device, mint, read, signing_key

NEW, OLD = "n" * 20 + "ewnewnewnewnew1234", "o" * 20 + "ldoldoldoldold1234"
ASHA = Visitor(UUID(int=7), UUID(int=8))


def _token(secret: str = NEW, visitor: Visitor = ASHA) -> str:
    return mint(secret, visitor, issued_at=1_700_000_000, expires_at=1_700_604_800)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def test_a_token_is_a_json_web_token_that_any_library_can_check() -> None:
    found = jwt.decode(
        _token(), signing_key(NEW), algorithms=["HS256"], audience=AUDIENCE, options={"verify_exp": False}
    )
    assert found == {
        "aud": AUDIENCE,
        "sub": str(ASHA.customer_id),
        "sid": str(ASHA.session_id),
        "iat": 1_700_000_000,
        "exp": 1_700_604_800,
    }
    assert read(_token(), (NEW,)) == ASHA


def test_a_key_can_be_changed_without_signing_anybody_out() -> None:
    before = _token(OLD)
    assert read(before, (NEW, OLD)) == ASHA
    assert read(_token(NEW), (NEW, OLD)) == ASHA
    assert read(before, (NEW,)) is None, "and a key that was taken away opens nothing"


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_the_token_does_not_choose_its_algorithm(algorithm: str) -> None:
    payload = {"aud": AUDIENCE, "sub": str(ASHA[0]), "sid": str(ASHA[1]), "iat": 1, "exp": 2_000_000_000}
    kid = jwt.get_unverified_header(_token())["kid"]
    forged = jwt.encode(payload, None if algorithm == "none" else signing_key(NEW), algorithm, headers={"kid": kid})
    assert read(forged, (NEW,)) is None


@pytest.mark.parametrize(
    "payload",
    [
        {"aud": "jklg:staff", "sub": str(ASHA[0]), "sid": str(ASHA[1]), "iat": 1, "exp": 2},
        {"sub": str(ASHA[0]), "sid": str(ASHA[1]), "iat": 1, "exp": 2},
        {"aud": AUDIENCE, "sub": "7", "sid": str(ASHA[1]), "iat": 1, "exp": 2},
        {"aud": AUDIENCE, "sub": str(ASHA[0]), "sid": str(ASHA[1]), "iat": 1, "exp": 2, "role": "system"},
        [],
        "sub",
    ],
)
def test_even_a_rightly_signed_token_must_be_one_of_these(payload: object) -> None:
    import hashlib
    import hmac

    header = _token().partition(".")[0]
    signed = f"{header}.{_part(payload)}"
    mac = base64.urlsafe_b64encode(hmac.digest(signing_key(NEW), signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert read(f"{signed}.{mac}", (NEW,)) is None


def test_the_secret_itself_signs_no_token() -> None:
    header = jwt.get_unverified_header(_token())
    payload = jwt.decode(_token(), options={"verify_signature": False})
    assert read(jwt.encode(payload, NEW, "HS256", headers=header), (NEW,)) is None


@given(place=st.integers(0, 400), letter=st.characters(max_codepoint=0x2FF))
def test_no_letter_of_a_token_can_be_changed(place: int, letter: str) -> None:
    token = _token()
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert read(changed, (NEW,)) is None


@given(st.text(max_size=300))
def test_noise_is_nobody(noise: str) -> None:
    assert read(noise, (NEW,)) is None
    assert read(f"{_token().partition('.')[0]}.{noise}", (NEW,)) is None


def test_devices_have_names_that_their_owners_know() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150.0"
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
    android = "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0"
    assert [device(agent) for agent in (edge, iphone, android)] == [
        "Edge on Windows", "Safari on iPhone", "Firefox on Android",
    ]  # fmt: skip
    assert device("") == "an app or a browser we do not know"
