"""Passwords: what may be one, how one is kept, and whether this is the one.

**Kept** as argon2id (19 MiB, t=2, p=1). The previous system kept bcrypt, which reads the first 72 bytes and no more; such a hash
is verified in that way and replaced, at a right password, by one of the whole password.

**As typed.** A password is hashed exactly as it arrived: no truncation, trimming, change of case or Unicode normalization
(ASVS 5.0, 6.2.8). Normalizing would lock out customers of the previous system, which did not.

**Nobody can tell by time** whether an account exists, or which system its password comes from:

* Every check does the same work, however long the queue before it: one argon2id, of the account's hash, of nobody's, or of the
  hash that shall replace a bcrypt hash. So the upgrade costs nothing extra, and it is computed for wrong passwords as well.
* Once this process has met a bcrypt hash, every check does one bcrypt too, as costly as the costliest met; before that
  nobody pays for it.
* What differs nevertheless, by microseconds or by the cost of an uncommon old hash, disappears behind a beat: no answer comes
  earlier than BEAT seconds after the question.

**Nobody else waits.** Hashing runs in threads of its own which give way to everything else on the machine (nice +10; argon2 and
bcrypt let go of the interpreter meanwhile). MOST_WAITING may wait for them, whoever comes then hears Unavailable at once.
Memory: 19 MiB for each of the THREADS, never more.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from ssl import SSLContext
from typing import Any, TypeVar

import httpx
import msgspec
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from jklg.kit.errors import BadInput, Unavailable
from jklg.kit.languages import gettext as _

log = logging.getLogger(__name__)

T = TypeVar("T")

SHORTEST, LONGEST = 8, 128
"""Characters (Unicode code points) of a new password. Any character will do, spaces and emoji as well."""

BEAT = 0.12
"""Seconds that a check takes at least: argon2id and a bcrypt of cost 10 on a slow core."""

THREADS = max(1, min(4, (os.cpu_count() or 1) - 1))
"""One core is left to everybody else: with as many threads as cores, p99 of other requests was four times what it is without
sign-ins, with one fewer twice (`./jklg bench customers`)."""
MOST_WAITING = 200

_COMMON_BELOW = 5.5
"""Decimal logarithm of guesses: whoever tries a hundred an hour needs four months. Eight random letters and digits are worth 8."""

_SITE = ("jklg", "jklg travel")
_MOST_READ = 1024  # characters of what is called a password at sign-in; beyond that it is wrong, and not hashed whole
_COSTLIEST_BCRYPT = 14

_argon2 = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_bcrypt = BcryptHasher()

# Hashes of nobody's password: drawn, not computed, so that there is nothing that they are the hash of.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$ckVLVVhFR3JqVnE0c0xuQQ$8sGh0cFTnZqk0wW3mJpUxv2bKcRyNdLaE5o7iQtS1fM"
_NOBODYS_BCRYPT = "$2b${cost:02d}$" + "." * 53


class Verdict(msgspec.Struct, frozen=True):
    """Whether the password was right, and a better hash to keep instead if there is one."""

    right: bool
    better: str | None = None


def check_new(password: str, about: Sequence[str] = ()) -> None:
    """Whether this may become somebody's password. `about`: their e-mail address and name, the name of the agency.

    Raises BadInput (password_invalid: length or broken text; password_common: found among the first guesses). Takes 4 ms at most.
    """
    if not SHORTEST <= len(password) <= LONGEST or not _is_text(password):
        raise BadInput(
            "password_invalid",
            _("A password has {shortest} to {longest} characters.").format(shortest=SHORTEST, longest=LONGEST),
        )
    from jklg.kit.guessing import guesses_log10  # its lists take 150 ms to be sorted, and a worker never asks

    if guesses_log10(password, [*about, *_SITE]) < _COMMON_BELOW:
        raise BadInput(
            "password_common", "This password is among the first that others would guess. Choose a longer or rarer one."
        )


async def hash_password(password: str) -> str:
    """An argon2id hash to keep. Raises BadInput (password_invalid) for what is no text, Unavailable (busy)."""
    if not _is_text(password):
        raise BadInput("password_invalid", "This password contains a broken character.")
    return await _pool().run(lambda: _argon2.hash(password))


async def verify(password: str, stored: str | None) -> Verdict:
    """Check any text against a hash; `stored` is None for nobody's account. The same work and time in every case, see above.

    Raises Unavailable (busy), whosever account it is.
    """
    loop = asyncio.get_running_loop()
    earliest = loop.time() + BEAT
    verdict = await _pool().run(lambda: _check(password, stored))
    await asyncio.sleep(earliest - loop.time())
    return verdict


def _check(password: str, stored: str | None) -> Verdict:
    """One argon2id, and one bcrypt as soon as one was met. What cannot be a password is hashed as another one, and is wrong."""
    readable = len(password) <= _MOST_READ and _is_text(password)
    typed = password[:_MOST_READ].encode(errors="replace")
    cost = _bcrypt_cost(stored)
    if stored is not None and cost:
        _legacy.meet(cost)
        right = _bcrypt.verify(typed[:72], stored)
        better = _argon2.hash(typed)
        return Verdict(True, better) if right and readable else Verdict(False)
    known = stored if stored is not None and _argon2.identify(stored) else _NOBODYS
    right = _argon2.verify(typed, known)
    if _legacy.cost:
        _bcrypt.verify(typed[:72], _NOBODYS_BCRYPT.format(cost=_legacy.cost))
    if known != stored:
        if stored is not None:
            log.error("a stored password hash is of no known kind: nobody can sign in with it")
        return Verdict(False)
    if not right or not readable:
        return Verdict(False)
    return Verdict(True, _argon2.hash(typed) if _argon2.check_needs_rehash(known) else None)


def _bcrypt_cost(stored: str | None) -> int:
    """The cost of a bcrypt hash that can be checked in reasonable time, else 0."""
    found = re.fullmatch(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", stored or "", re.ASCII)
    return int(found[1]) if found and 4 <= int(found[1]) <= _COSTLIEST_BCRYPT else 0


def _is_text(password: str) -> bool:
    """Half a surrogate pair is no character, and cannot be written as UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in password)


class _Legacy:
    """The costliest bcrypt hash that this process has met; 0 before the first."""

    def __init__(self) -> None:
        self.cost = 0

    def meet(self, cost: int) -> None:
        self.cost = max(self.cost, cost)


_legacy = _Legacy()


class _Pool:
    """A few threads that give way to others, and a line before them that does not grow for ever."""

    def __init__(self, threads: int, most_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hashing", initializer=_give_way)
        self._most = threads + most_waiting
        self._inside = 0
        self._guard = threading.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. Raises Unavailable (busy). Who stops waiting leaves the line."""
        with self._guard:
            if self._inside >= self._most:
                raise Unavailable("busy", "Too many people are signing in at this moment. Please try again.")
            self._inside += 1
        future = self._threads.submit(work)
        future.add_done_callback(self._left)
        return await asyncio.wrap_future(future)

    def _left(self, _: Future[Any]) -> None:
        with self._guard:
            self._inside -= 1


@cache
def _pool() -> _Pool:
    return _Pool(THREADS, MOST_WAITING)


def _give_way() -> None:
    """Linux gives every thread a priority of its own. Elsewhere this would lower the whole process, and is left out."""
    if hasattr(os, "sched_setaffinity"):
        me = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, me, min(19, os.getpriority(os.PRIO_PROCESS, me) + 10))


async def is_breached_online(password: str, url: str) -> bool:
    """Ask a list of leaked passwords at `url` (settings.pwned_url; empty: never asked), in the way of haveibeenpwned's ranges.

    Only five digits of the SHA-1 leave the house, and the answer is padded. No answer within two seconds, or none that can be
    read, counts as not leaked and is logged, without anything of the password.
    """
    if not url or not _is_text(password):
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        async with asyncio.timeout(2):
            lines = await _range(f"{url}/{digest[:5]}")
        return any(_is_leaked(line, digest[5:]) for line in lines)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        log.warning("the list of leaked passwords at %s did not answer: %s", url, type(error).__name__)
        return False


async def _range(address: str) -> list[str]:
    """The lines of an answer of at most a megabyte. ValueError when it is longer."""
    text = bytearray()
    async with httpx.AsyncClient(verify=_tls(), timeout=2, follow_redirects=False) as client:
        async with client.stream("GET", address, headers={"Add-Padding": "true"}) as answer:
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes():
                text += chunk
                if len(text) > 1_000_000:
                    raise ValueError("too long")
    return text.decode("ascii").split()


def _is_leaked(line: str, wanted: str) -> bool:
    """`SUFFIX:COUNT`; a count of nought is padding."""
    suffix, _, count = line.partition(":")
    return hmac.compare_digest(suffix.upper(), wanted) and int(count) > 0


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context()
