"""What `settle` would do now, found out by doing it and taking it back: a preview that cannot differ from the execution."""

from __future__ import annotations

import logging
from uuid import UUID

import msgspec

from jklg import ledger
from jklg.kit.db import claims
from jklg.kit.errors import Refusal
from jklg.payments import actions, merging, queries
from jklg.payments.actions import House
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, Snapshot
from jklg.payments.gateways.keys import gateway_of
from jklg.payments.queries import Transaction

log = logging.getLogger(__name__)


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt before and after. Money in minor units of `currency`; `postings` are (kind, account, currency, amount).

    `unknown` says why the gateway could not tell us, or that its answer cannot be booked (not_bookable); then nothing else is known either.
    """

    state: tuple[str, str]
    captured: tuple[int, int]
    refunded: tuple[int, int]
    booking_status: tuple[str, str]
    currency: str
    postings: list[tuple[str, str, str, int]]
    unknown: str | None = None

    @property
    def changes(self) -> bool:
        pairs: tuple[tuple[object, object], ...] = (self.state, self.captured, self.refunded, self.booking_status)
        return bool(self.postings) or any(before != after for before, after in pairs)


class _TakenBack(Exception):
    """Rolls the trial back."""


async def _ask(house: House, gateway: Gateway, transaction: Transaction, ref: str) -> Snapshot:
    try:
        return await gateway.fetch(ref)
    except GatewayRefused as refusal:
        ended = await actions.forgotten(house, gateway, transaction, refusal)
        if ended is None:
            raise
        return ended


async def foresee(house: House, transaction_id: UUID) -> Foreseen:
    """Ask the gateway, merge its answer, read what came of it, and take everything back. Locks what `settle` locks, as briefly."""
    async with house.db.transaction() as conn:
        transaction = await queries.get(conn, transaction_id)
        assert transaction is not None, "transactions are never deleted"
        before = await actions.seen(conn, transaction_id)
    gateway = gateway_of(house.gateways, transaction.gateway, transaction.livemode)
    silent: str | None = None
    after, postings = before, []
    if gateway is None:
        silent = actions.NOT_CONFIGURED
    elif transaction.ref is None:
        silent = "not_opened_yet"
    else:
        try:
            snapshot = await _ask(house, gateway, transaction, transaction.ref)
            async with house.db.transaction(claims("system", actor="system", reason="foreseen")) as conn:
                await merging.merge(conn, transaction_id, snapshot, "foreseen")
                after, postings = await actions.seen(conn, transaction_id), await ledger.written_now(conn)
                raise _TakenBack
        except _TakenBack:
            pass
        except (GatewayError, Refusal) as no:
            silent = no.code
        except Exception:
            log.exception("what payment %s would become cannot be foreseen", transaction_id)
            silent = "not_bookable"
    return Foreseen(
        state=(before.transaction.state, after.transaction.state),
        captured=(before.transaction.captured, after.transaction.captured),
        refunded=(before.transaction.refunded, after.transaction.refunded),
        booking_status=(before.booking_status, after.booking_status),
        currency=transaction.currency,
        postings=postings,
        unknown=silent,
    )
