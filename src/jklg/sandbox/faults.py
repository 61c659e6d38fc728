"""How a gateway misbehaves on demand: the closed vocabulary of faults, and the place where the HTTP ones happen.

A knob that counts (`busy: 3`) is used up by the next so many calls. The Stripe peer of the tests speaks the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import msgspec

from jklg.sandbox.http import Answer, Request


class AnswerLost(httpx.RemoteProtocolError):
    """The connection breaks before the answer is complete. In process, the client sees this very exception."""

    def __init__(self) -> None:
        super().__init__("the answer was lost on the way")


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """What goes wrong next. Everything at its default: nothing."""

    only: str = ""
    """Beginning of "METHOD /path": the faults of calls below hit these calls only, e.g. "POST /v1/refunds"."""
    latency_ms: int = 0
    """Every call is done at once and answered late."""
    busy: int = 0
    """429 and nothing done."""
    retry_after: int = 1
    """Seconds that a 429 asks to wait."""
    error_before: int = 0
    """500 and nothing done."""
    error_after: int = 0
    """Done, then 500."""
    drop_after: int = 0
    """Done, then the connection breaks."""
    truncate: int = 0
    """Done, 200, and half of the JSON."""

    duplicate_webhooks: int = 0
    """The next so many notices are delivered twice."""
    reorder_webhooks: int = 0
    """The next so many notices are kept back for 1 to 5 seconds, so that later ones overtake them."""
    lose_webhooks: int = 0
    """The next so many notices are never delivered."""
    hold_webhooks: bool = False
    """No notice is delivered until `POST /_faults/release`."""

    late_success: int = 0
    """The next so many attempts that are cancelled succeed nevertheless, `later_seconds` afterwards."""
    refund_pending: int = 0
    """The next so many refunds stay pending and succeed `later_seconds` afterwards."""
    refund_fails: int = 0
    """The next so many refunds succeed and fail `later_seconds` afterwards."""
    dispute: int = 0
    """The next so many successful payments are disputed by the payer's bank."""
    later_seconds: int = 5

    def take(self, knob: str) -> bool:
        """Whether `knob` says so this time; uses one up."""
        left: int = getattr(self, knob)
        if left <= 0:
            return False
        setattr(self, knob, left - 1)
        return True


async def misbehave(
    faults: Faults,
    request: Request,
    do: Callable[[], Awaitable[Answer]],
    *,
    error: Callable[[int, str], Answer],
    sleep: Callable[[float], Awaitable[object]],
) -> Answer:
    """Answer a call the way `faults` says. Raises AnswerLost."""
    if not f"{request.method} {request.path}".startswith(faults.only):
        return await do()
    if faults.take("busy"):
        return error(429, "rate_limit").with_header("Retry-After", str(faults.retry_after))
    if faults.take("error_before"):
        return error(500, "api_error")
    answer = await do()
    if faults.latency_ms:
        await sleep(faults.latency_ms / 1000)
    if faults.take("error_after"):
        return error(500, "api_error")
    if faults.take("drop_after"):
        raise AnswerLost
    if answer.status < 300 and faults.take("truncate"):
        answer.body = answer.body[: len(answer.body) // 2]
    return answer
