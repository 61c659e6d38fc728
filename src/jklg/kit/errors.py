"""How the house says no.

    Refusal                  somebody asked for what cannot be; never our fault, never a 5xx
    |- BadInput        422   the request does not make sense (Malformed: 400, it cannot even be read)
    |- NotSignedIn     401   we do not know who is asking
    |- Forbidden       403   we know, and they may not
    |- NotFound        404   there is no such thing, or it is not theirs: the two answers are one
    |- Conflict        409   it makes sense, but not now
    |- TooMany         429   too often
    `- Unavailable     503   not now, through no fault of the asker; ask again

A code never changes, because programs read it. The sentence is for people and may be reworded. `log` goes to our log only.
One place turns refusals into HTTP: `web.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A clear no: a stable code for programs, a sentence for people, and detail for our log.

    `outcome`: not a fault of the request: it was tried, and this is what came of it. Kept like a success under an Idempotency-Key.
    """

    status = 400
    retry_after: int | None = None
    """Seconds to wait, where that is known and may be told."""

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        details: Mapping[str, object] | None = None,
        log: str | None = None,
        outcome: bool = False,
    ) -> None:
        super().__init__(f"{code}: {log or sentence}")
        self.code = code
        self.outcome = outcome
        self.sentence = sentence
        self.details = dict(details) if details else None
        self.log = log


class Malformed(Refusal):
    status = 400


class BadInput(Refusal):
    status = 422


class NotSignedIn(Refusal):
    status = 401


class Forbidden(Refusal):
    status = 403


class NotFound(Refusal):
    status = 404


class Conflict(Refusal):
    status = 409


class InProgress(Conflict):
    """The very same is being done at this moment."""

    retry_after = 1


class TooLarge(Refusal):
    status = 413


class TooMany(Refusal):
    status = 429

    def __init__(self, code: str, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(code, sentence)
        self.retry_after = retry_after


class Unavailable(Refusal):
    status = 503
    retry_after = 2
