"""Places where the tests may kill, stop or fail the house: JKLG_FAILPOINT=name:kill|raise|sleep. Documented in docs/money-path.md.

`settings` refuses the variable with a live key or in production, and nothing is armed unless `arm` is called at start.
"""

from __future__ import annotations

import asyncio
import os
import signal

NAMES = frozenset(
    {
        "after_intent_commit",  # the attempt is written, the gateway has not been called
        "after_gateway_answer",  # the answer is in hand, nothing of it is written
        "before_apply_commit",  # everything is written, nothing is committed
        "after_apply_commit",  # committed, and our client has not heard of it
        "before_inbox_commit",  # a webhook is verified, its row is not committed
        "worker_before_done",  # the effect of a notice is committed, the notice is not marked
        "after_mail_sent",  # SMTP has accepted, the outbox row is not marked
        "before_circular_commit",  # letters to many are written, nothing is committed
        "reconcile_mid_page",  # half of a page of gateway objects is compared
    }
)


class Crashed(BaseException):
    """A simulated crash. Not an Exception: no handler of ours may swallow it."""


_armed: dict[str, str] = {}


def arm(spec: str) -> None:
    """Arm 'name:action'; an empty string disarms everything. ValueError for names or actions we do not have."""
    _armed.clear()
    if not spec:
        return
    name, _, action = spec.partition(":")
    if name not in NAMES or action not in ("kill", "raise", "sleep", "crash"):
        raise ValueError(f"no such failpoint: {spec!r}")
    _armed[name] = action


async def reach(name: str) -> None:
    """Do what was armed for this place; nothing at all in real life."""
    action = _armed.get(name)
    if action is None:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        await asyncio.sleep(3)
    elif action == "crash":
        raise Crashed(name)
    else:
        raise RuntimeError(f"failpoint {name}")
