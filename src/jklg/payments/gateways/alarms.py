"""What a gateway wants a person to judge, beside any money: part of the contract of those that have such a thing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

ALARMS = ("early_fraud_warning", "payment_review")


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway wants a person to look at, beside any money. `kind` is one of ALARMS, `ref` the gateway's id of it, `reason` its word.
    `open`: as long as acting is of use."""

    kind: str
    ref: str
    open: bool
    reason: str


@runtime_checkable
class AlarmRaising(Protocol):
    """What a gateway has besides when some of its notices are about a person's judgement and not about money."""

    def rings_alarm(self, event_type: str) -> bool:
        """Whether such a notice is one of these. Pure."""
        ...

    async def fetch_alarm(self, event_type: str, body: bytes) -> Alarm | None:
        """How what the notice speaks of stands now; None when it is no more. Raises any GatewayError."""
        ...
