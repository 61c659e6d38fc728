"""What may be a password, how it is kept, and that asking tells a stranger nothing and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import hashlib
import http.server
import logging
import os
import random
import string
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bcrypt
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from jklg.kit import passwords
from jklg.kit.errors import BadInput, Unavailable
from jklg.kit.passwords import Verdict, check_new, hash_password, is_breached_online, verify

ASHA = ("asha.rao@example.org", "Asha Rao")
OLD = (
    "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"  # the well-known vector of Openwall's crypt_blowfish
)
OLD_PASSWORD = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, earnest_hashes: None) -> Iterator[None]:
    """A process that met no bcrypt hash yet, and whose answers need not wait for the beat."""
    monkeypatch.setattr(passwords, "_legacy", passwords._Legacy())
    monkeypatch.setattr(passwords, "BEAT", 0.0)
    passwords._pool.cache_clear()
    yield
    passwords._pool.cache_clear()


def refusal(password: str, *about: str) -> str | None:
    try:
        check_new(password, about)
    except BadInput as no:
        return no.code
    return None


# What may be a password


@pytest.mark.parametrize("password", ["", "1bQ#x9!", "Xq7$" * 33, "a good one \ud800", "\udfff a good one"])
def test_too_short_too_long_and_half_characters_are_refused(password: str) -> None:
    assert refusal(password) == "password_invalid"


@pytest.mark.parametrize(
    "password",
    [
        "Password123!", "password", "PASSWORD", "P@ssw0rd!", "drowssap1", "qwerty123", "1q2w3e4r", "qwertyuiop", "iloveyou1",
        "12345678", "11111111", "abcdefgh", "31.12.1990", "Summer2025!", "Welcome1", "passwordpassword", "a" * 128, "😀" * 128,
        "jklg1234", "JKLG2026!", "jklgtravel", "JKLG Travel",
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert refusal(password) == "password_common"


@pytest.mark.parametrize(
    "password", ["asha.rao@example.org", "asharao!", "AshaRao1990", "Asha@123", "ra0.ash4", "Rao Asha"]
)
def test_her_own_name_and_address_are_refused_to_asha(password: str) -> None:
    assert refusal(password, *ASHA) == "password_common"


def test_the_words_about_one_person_are_forgotten_for_the_next() -> None:
    assert refusal("zwetschgenmus", "zwetschgenmus@example.org") == "password_common"
    assert refusal("zwetschgenmus", "ben@example.org") is None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple", "a long walk by the sea", "pune to goa by bus", "tiger-lemon-river", "my dog eats mangoes",
        "मेरा गाँव बहुत दूर है", "Xk3$zQ9!", "v7Bm2NqL", "🐘🌧🚂🏝🍋📚🎒🧭", "  v7Bm2NqL  ", "v7Bm\x002NqL", "x" * 8 + "v7Bm2NqLpT",
    ],
)  # fmt: skip
def test_honest_passphrases_and_random_characters_are_welcome(password: str) -> None:
    assert refusal(password, *ASHA) is None


def test_of_random_passwords_of_eight_characters_hardly_any_is_refused() -> None:
    dice = random.Random(20261123)
    signs = string.ascii_letters + string.digits
    refused = sum(refusal("".join(dice.choices(signs, k=8)), *ASHA) is not None for _ in range(1000))
    assert refused <= 3


def test_128_characters_are_welcome_whatever_they_take_in_bytes() -> None:
    dice = random.Random(7)
    emoji = "".join(chr(dice.randrange(0x1F600, 0x1F640)) for _ in range(128))
    assert refusal(emoji) is None
    assert refusal(emoji + "😀") == "password_invalid"


def test_a_password_made_to_cost_time_is_judged_by_its_beginning() -> None:
    """Disguised letters, dates, repetitions: zxcvbn's own total takes seconds for the first of them."""
    for part in ("4@8({[<369!1|7$50+%2", "12311999", "1.1.1.1.", "aB", "qwertyuiop"):
        check = (part * 20)[:128]
        looked_at = (part * 20)[:32]
        assert refusal(check) == refusal(looked_at)


# How it is kept


async def test_a_password_is_kept_as_argon2id_of_19_mebibytes_and_found_again() -> None:
    kept = await hash_password("a long walk by the sea")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await verify("a long walk by the sea", kept) == Verdict(right=True, better=None)
    assert await verify("A long walk by the sea", kept) == Verdict(right=False)


async def test_nothing_is_cut_trimmed_or_normalized() -> None:
    long = "x" * 100
    kept = await hash_password(long)
    assert not (await verify(long[:-1], kept)).right
    assert not (await verify(long[:-1] + "y", kept)).right
    spaced = await hash_password(" v7Bm2NqL")
    assert not (await verify("v7Bm2NqL", spaced)).right
    composed = await hash_password("caf\u00e9 au lait")
    assert not (await verify("cafe\u0301 au lait", composed)).right
    ended = await hash_password("v7Bm\x002NqL")
    assert (await verify("v7Bm\x002NqL", ended)).right
    assert not (await verify("v7Bm\x00other", ended)).right


async def test_128_emoji_are_kept_whole() -> None:
    kept = await hash_password("🐘" * 128)
    assert (await verify("🐘" * 128, kept)).right
    assert not (await verify("🐘" * 127, kept)).right


async def test_half_a_character_is_refused_or_wrong_and_breaks_nothing() -> None:
    with pytest.raises(BadInput) as no:
        await hash_password("v7Bm2NqL\ud800")
    assert no.value.code == "password_invalid"
    kept = await hash_password("v7Bm2NqL?")
    assert not (await verify("v7Bm2NqL\ud800", kept)).right, "it must not pass for what it is replaced by"
    old = bcrypt.hashpw(b"v7Bm2NqL?", bcrypt.gensalt(4)).decode()
    assert not (await verify("v7Bm2NqL\ud800", old)).right


async def test_whatever_is_called_a_password_gets_an_answer() -> None:
    kept = await hash_password("x" * 1024)
    for text in ("", "\x00", "x" * 1025, "x" * 3_000_000, "\ud800" * 2000):
        for stored in (
            kept,
            OLD,
            None,
            "",
            "nonsense",
            "$2b$31$" + "." * 53,
            "$2b$00$" + "." * 53,
            "$argon2id$v=19$m=8,t=1,p=1$c$",
        ):
            assert await verify(text, stored) == Verdict(right=False), (text[:10], stored)


async def test_nobodys_password_is_never_right() -> None:
    for text in ("", "password", passwords._NOBODYS):
        assert await verify(text, None) == Verdict(right=False)


async def test_a_stored_hash_of_no_known_kind_is_told_to_the_house(caplog: pytest.LogCaptureFixture) -> None:
    assert not (await verify("a long walk", "md5:abc")).right
    assert "no known kind" in caplog.text
    assert "a long walk" not in caplog.text


# Customers of the previous system


async def test_the_previous_system_read_72_bytes_and_the_new_hash_reads_all() -> None:
    other = OLD_PASSWORD[:72] + "something else"
    first, second = await verify(OLD_PASSWORD, OLD), await verify(other, OLD)
    assert first.right and second.right
    assert not (await verify(OLD_PASSWORD[:71], OLD)).right
    assert first.better is not None and first.better.startswith("$argon2id$")
    assert (await verify(OLD_PASSWORD, first.better)).right
    assert not (await verify(other, first.better)).right
    assert not (await verify(OLD_PASSWORD[:72], first.better)).right


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
async def test_each_spelling_of_bcrypt_is_read(prefix: str) -> None:
    old = prefix + bcrypt.hashpw("मेरा गाँव".encode(), bcrypt.gensalt(4)).decode()[4:]
    assert (await verify("मेरा गाँव", old)).right
    assert await verify("मेरा शहर", old) == Verdict(right=False), "and a wrong password gets no new hash"


async def test_a_cut_in_the_middle_of_a_character_is_the_cut_of_the_previous_system() -> None:
    password = "x" * 70 + "é" * 10
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    assert (await verify(password, old)).right
    password = "x" * 71 + "é" * 10
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    assert (await verify(password, old)).right


async def test_an_argon2_hash_of_other_parameters_is_replaced() -> None:
    old = Argon2Hasher(memory_cost=8 * 1024, time_cost=1, parallelism=1).hash("a long walk")
    verdict = await verify("a long walk", old)
    assert verdict.right and verdict.better is not None
    assert await verify("a long walk", verdict.better) == Verdict(right=True)
    assert await verify("a short walk", old) == Verdict(right=False)


# Nobody can tell by time


class _CountedArgon2(Argon2Hasher):
    def __init__(self, done: list[str]) -> None:
        super().__init__(memory_cost=19 * 1024, time_cost=2, parallelism=1)
        self.done = done

    def hash(self, *what: Any, **named: Any) -> str:
        self.done.append("argon2")
        return super().hash(*what, **named)

    def verify(self, *what: Any) -> bool:
        self.done.append("argon2")
        return super().verify(*what)


class _CountedBcrypt(BcryptHasher):
    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self.done = done

    def verify(self, *what: Any) -> bool:
        self.done.append(f"bcrypt {what[1][4:6]}")
        return super().verify(*what)


async def test_every_wrong_password_costs_the_same_whoever_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    kept = await hash_password("a long walk by the sea")
    monkeypatch.setattr(passwords, "_argon2", _CountedArgon2(done))
    monkeypatch.setattr(passwords, "_bcrypt", _CountedBcrypt(done))

    async def cost(password: str, stored: str | None) -> list[str]:
        done.clear()
        assert not (await verify(password, stored)).right
        return sorted(done)

    strangers = [("a guess", kept), ("a guess", None), ("a guess", "nonsense"), ("x" * 9999, kept), ("\ud800", None)]
    for password, stored in strangers:
        assert await cost(password, stored) == ["argon2"], "nobody pays for bcrypt before one was met"
    assert await cost("a guess", OLD) == ["argon2", "bcrypt 05"]
    for password, stored in strangers:
        assert await cost(password, stored) == ["argon2", "bcrypt 05"], (password[:9], stored)
    done.clear()
    assert (await verify(OLD_PASSWORD, OLD)).right
    assert sorted(done) == ["argon2", "bcrypt 05"], "the better hash is part of the same work"


async def test_no_answer_comes_before_the_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order, not time: whoever asked first hears first, however little there was to do; the beat is all that can keep it so."""
    monkeypatch.setattr(passwords, "BEAT", 1.0)
    finished: list[str] = []
    asked = asyncio.create_task(verify("a guess", None))
    asked.add_done_callback(lambda _: finished.append("answer"))
    await hash_password("the line is empty after this, and the check is done")
    await hash_password("and after this as well")
    finished.append("hashes")
    await asked
    assert finished == ["hashes", "answer"]


# Nobody else waits


async def test_the_house_goes_on_while_twenty_passwords_are_hashed() -> None:
    hashing = asyncio.gather(*(verify("a guess", stored) for stored in (OLD, None) * 10))
    ticks = 0
    while not hashing.done():
        ticks += 1
        await asyncio.sleep(0)
    assert ticks > 200, "were it done here, there would be one for each at best"


async def test_a_flood_is_turned_away_and_those_in_line_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 3)
    passwords._pool.cache_clear()
    answers = await asyncio.gather(*(verify("a guess", None) for _ in range(50)), return_exceptions=True)
    busy = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert {no.code for no in busy} == {"busy"}
    assert answers.count(Verdict(right=False)) + len(busy) == 50
    assert isinstance(answers[0], Verdict) and answers.count(Verdict(right=False)) >= passwords.THREADS + 3
    assert not (await verify("a guess", None)).right, "afterwards there is room again"


async def test_who_stops_waiting_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 3)
    passwords._pool.cache_clear()
    waiting = [asyncio.create_task(verify("a guess", None)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    await asyncio.sleep(0)
    assert await asyncio.gather(*(verify("a guess", None) for _ in range(3))) == [Verdict(right=False)] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
async def test_the_hashing_threads_give_way_and_nobody_else_does() -> None:
    def mine() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = mine()
    assert await passwords._pool().run(mine) == min(19, before + 10)
    assert mine() == before


# The list of leaked passwords


class _Leaks(http.server.BaseHTTPRequestHandler):
    """A list as haveibeenpwned serves it, over HTTP on this machine."""

    body: bytes = b""
    status = 200
    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Add-Padding")))
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def leaks(body: str | bytes, status: int = 200) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []
    told = body.encode() if isinstance(body, str) else body
    handler = type("Leaks", (_Leaks,), {"body": told, "status": status, "asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/range", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


LEAKED = "v7Bm2NqL leaked"
DIGEST = hashlib.sha1(LEAKED.encode()).hexdigest().upper()
OTHERS = "0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n"


async def test_a_leaked_password_is_found_and_five_digits_are_all_that_is_told() -> None:
    with leaks(f"{OTHERS}{DIGEST[5:]}:3") as (url, asked):
        assert await is_breached_online(LEAKED, url)
        assert not await is_breached_online("v7Bm2NqL not leaked", url)
    assert asked[0] == (f"/range/{DIGEST[:5]}", "true")


async def test_padding_is_not_a_leak() -> None:
    with leaks(f"{OTHERS}{DIGEST[5:]}:0\r\n") as (url, _):
        assert not await is_breached_online(LEAKED, url)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("down", 503), (f"{DIGEST[5:]}:3", 302), (f"{DIGEST[5:]}:many", 200), (b"\xff\xfe:1", 200), ("x" * 1_100_000, 200), ("", 200),
    ],
)  # fmt: skip
async def test_a_list_that_is_down_or_mad_keeps_nobody_out(body: str | bytes, status: int) -> None:
    with leaks(body, status) as (url, asked):
        assert not await is_breached_online(LEAKED, url)
        assert len(asked) == 1


async def test_a_list_that_does_not_answer_is_told_to_the_house_without_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "jklg")
    with leaks("") as (url, _):
        pass
    assert not await is_breached_online(LEAKED, url)
    assert "leaked passwords" in caplog.text
    assert LEAKED not in caplog.text and DIGEST[:5] not in caplog.text.upper()


async def test_no_list_is_asked_where_none_is_set() -> None:
    assert not await is_breached_online(LEAKED, "")
