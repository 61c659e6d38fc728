"""`bench timing`: whether the time of an answer tells a stranger which e-mail addresses we know.

Sign-in with a wrong password, a forgotten password and a registration are asked over HTTP for addresses with an account and
without, in random order, one at a time, each from a network and for an address of its own, so that no rate limit has a say. Two
tests compare the samples: Mann-Whitney sees a shift, Kolmogorov-Smirnov any other difference. Two are called
indistinguishable when neither test, at one chance in a hundred of a false alarm in the whole run, sees a difference, and
a guess by the clock would be right less than 56 times in 100 (a coin: 50). How small a delay would have been found is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Mapping, Sequence

import msgspec

from bench import customers, load, samples
from bench.report import Report, Unable
from bench.stand import Stand, standing
from jklg.kit import passwords

ALPHA = 0.01
"""For all comparisons of a run together (Bonferroni)."""
LARGEST_EDGE = 0.06
"""Of 1,000 timings of one kind, two samples of 500 differ by this much once in 1,000 times."""
WRONG = "not what it was, sadly"
BCRYPT = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
ACCOUNT, FROM_BEFORE, UNCONFIRMED, NOBODY = "an account", "an account with bcrypt", "a registration", "nobody"


class Question(msgspec.Struct, frozen=True):
    """One request of one kind, e.g. a sign-in at an account, at an address nobody has."""

    door: str
    of: str
    body: dict[str, str]
    status: int


def run(options: argparse.Namespace) -> Report:
    report = Report("timing")
    each = 60 if options.quick else 570
    with standing() as stand:
        questions = prepare(stand, each)
        timings = measure(stand, questions)
    judge(report, timings)
    return report


def prepare(stand: Stand, each: int) -> list[Question]:
    """Accounts of every kind, as many as are asked for, and what is asked, in random order."""
    people = customers.move_in(stand, 5 * each)
    argon = asyncio.run(passwords.hash_password(customers.PASSWORD))
    hashes = {ACCOUNT: argon, FROM_BEFORE: BCRYPT, UNCONFIRMED: argon, "forgets": argon, "registers again": argon}
    for number, hashed in enumerate(hashes.values()):
        ids = [one.id for one in people[number * each : (number + 1) * each]]
        stand.sql("UPDATE customers SET password_hash = $1 WHERE id = ANY($2)", hashed, ids)
    stand.sql(
        "UPDATE customers SET status = 'pending', is_email_verified = false, email_verified_at = NULL WHERE id = ANY($1)",
        [one.id for one in people[2 * each : 3 * each]],
    )
    stand.sql("VACUUM ANALYZE customers")
    questions = []
    for n in range(each):
        known = {kind: f"asha.{number * each + n + 1}@example.com" for number, kind in enumerate(hashes)}
        unknown = [f"asha.{(5 + m) * each + n + 1}@example.com" for m in range(3)]
        questions += [
            *(sign_in(kind, known[kind]) for kind in (ACCOUNT, FROM_BEFORE, UNCONFIRMED)),
            sign_in(NOBODY, unknown[0]),
            Question("forgot-password", ACCOUNT, {"email": known["forgets"]}, 200),
            Question("forgot-password", NOBODY, {"email": unknown[1]}, 200),
            register(ACCOUNT, known["registers again"]),
            register(NOBODY, unknown[2]),
        ]
    random.shuffle(questions)
    return questions


def sign_in(of: str, email: str) -> Question:
    return Question("login", of, {"email": email, "password": WRONG}, 401)


def register(of: str, email: str) -> Question:
    body = {"email": email, "password": customers.PASSWORD, "name": "Asha Traveller"}
    return Question("register", of, body, 201)


def measure(stand: Stand, questions: Sequence[Question]) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of every answer, by door and kind. The first tenth warms up and does not count."""
    timings: dict[tuple[str, str], list[float]] = {}
    with stand.server("jklg", JKLG_TRUSTED_PROXIES="127.0.0.1") as server, load.connected(server.port) as conn:
        for number, one in enumerate(questions):
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            path = f"/api/customers/{one.door}"
            request = load.request_bytes(server.port, path, json.dumps(one.body).encode(), {"X-Forwarded-For": address})
            began = time.perf_counter()
            status, said = load.ask_on(conn, request)
            took = time.perf_counter() - began
            if status != one.status:
                raise Unable(f"{one.door} for {one.of} answered {status}: {said}")
            if number >= len(questions) // 10:
                timings.setdefault((one.door, one.of), []).append(1000 * took)
    return timings


def judge(report: Report, timings: Mapping[tuple[str, str], Sequence[float]]) -> None:
    strangers = {door: taken for (door, of), taken in timings.items() if of == NOBODY}
    pairs = [(door, of, taken, strangers[door]) for (door, of), taken in sorted(timings.items()) if of != NOBODY]
    smallest_p = ALPHA / (2 * len(pairs))
    report.say(
        f"{sum(map(len, timings.values()))} answers, in random order; milliseconds as medians, differences to an address that nobody has\n"
    )
    for door, of, known, unknown in pairs:
        found = samples.compare(known, unknown)
        differs = statistics.median(known) - statistics.median(unknown)
        same = found.p > smallest_p and abs(found.auc - 0.5) < LARGEST_EDGE
        report.say(
            f"{door}, {of}: n = {len(known)} and {len(unknown)}; {statistics.median(known):.2f} and {statistics.median(unknown):.2f} ms "
            f"({differs:+.2f}); {'indistinguishable' if same else 'DISTINGUISHABLE'}"
        )
        report.say(f"          {smallest_seen(unknown, smallest_p):.2f} ms more would have been seen")
        report.at_least("p, Mann-Whitney", found.shift_p, smallest_p)
        report.at_least("p, Kolmogorov-Smirnov", found.shape_p, smallest_p)
        report.at_most("how far a guess by the clock is from a coin's 0.5", abs(found.auc - 0.5), LARGEST_EDGE)


def smallest_seen(timings: Sequence[float], smallest_p: float) -> float:
    """The delay that would just have been found, had these timings been longer by it."""
    low, high = 0.0, 2 * max(timings)
    while high - low > 0.01:
        delay = (low + high) / 2
        found = samples.compare([one + delay for one in timings], timings)
        low, high = (low, delay) if found.p <= smallest_p or found.auc - 0.5 >= LARGEST_EDGE else (delay, high)
    return high
