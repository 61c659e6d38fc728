"""Once a day our account at each gateway is read to its end and held against our books, payment by payment and as a whole.

A line is written down once, and its fee, payout or exchange booked with it. What differs of a payment is first looked at by
`payments.settle`; what still differs when it has had time to vanish stands before a person, once, and settles itself when it is gone.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from jklg import history, ledger, payments
from jklg.kit.db import claims
from jklg.kit.errors import BadInput, Conflict, NotFound, Unavailable
from jklg.kit.ids import uuid7
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused
from jklg.payments.gateways.movements import MoneyListing, Movement
from jklg.payments.queries import Anomaly, lock_anomaly
from jklg.payments.webhooks.actions import House
from jklg.reconciliation import statements
from jklg.reconciliation.movements import queries, rules
from jklg.reconciliation.movements.rules import Difference

log = logging.getLogger(__name__)


async def list_money_due(house: House) -> int:
    """A sweep: read the accounts whose day is over. How many new concerns there are. May run anywhere, and twice."""
    return sum([(await read_account(house, gateway))[0] for gateway in house.gateways.values()])


async def read_account(house: House, gateway: Gateway, *, at_once: bool = False) -> tuple[int, bool]:
    """Read our account at a gateway if its day is over, or at once: how many new concerns there are, and whether it has told all."""
    if not isinstance(gateway, MoneyListing):
        return 0, True
    async with house.db.transaction() as conn:
        turn = await queries.take_turn(
            conn, gateway.name, gateway.livemode, rules.FURTHEST.days, rules.AT_IT_SECONDS, at_once
        )
    if turn is None:
        return 0, True
    try:
        found = await _read(house, gateway, turn.done_at - rules.OVERLAP, turn.until)
    except GatewayError as silence:
        log.warning("%s did not tell the day's money: %s", gateway.name, silence)
        async with house.db.transaction() as conn:
            wait = max(rules.AFTER_A_FAILURE_SECONDS, silence.retry_after)
            failing = await queries.look_again_in(conn, gateway.name, gateway.livemode, wait)
            told = failing >= rules.UNREAD_TOLD and await payments.report_concern(
                conn, "account_unread", _unread(gateway), {"gateway": gateway.name, "error": str(silence)[:300]}
            )
        return int(told), False
    async with house.db.transaction() as conn:
        await queries.end_turn(conn, gateway.name, gateway.livemode, turn.until)
        await payments.resolve_concerns(conn, _unread(gateway), [])
    await statements.match_due(house.db)
    return found, True


def _unread(gateway: Gateway) -> str:
    return f"account_unread:{rules.fact_id(gateway.name, gateway.livemode, '')}"


async def look_again(house: House, name: str) -> bool:
    """Read a gateway's account at once, and compare. False when it does not answer, is not there, or tells no movements.

    Calls the network, outside any database transaction. Safe at any time, however often.
    """
    gateway = house.gateways.get(name)
    if gateway is None or not isinstance(gateway, MoneyListing):
        return False
    return (await read_account(house, gateway, at_once=True))[1]


async def _read(house: House, gateway: Gateway, start: datetime, end: datetime) -> int:
    found = await _list(house, gateway, start, end)
    await _heal(house, gateway)
    found += await _compare_attempts(house, gateway)
    for look in range(rules.LOOKS):
        if look:
            async with house.db.transaction() as conn:
                end = await queries.now(conn)
            found += await _list(house, gateway, end - timedelta(days=1), end)
        off = await _compare_balance(house, gateway)
        if not off:
            break
    return found + await _report_balance(house, gateway, off)


async def _list(house: House, gateway: Gateway, start: datetime, end: datetime) -> int:
    """Every line, each written and booked in one database transaction. How many are not what they were."""
    assert isinstance(gateway, MoneyListing)
    changed = 0
    async for movement in gateway.list_movements(start, end):
        changed += await _keep(house, gateway, movement)
    async with house.db.transaction() as conn:
        await queries.link(conn, gateway.name, gateway.livemode)
    return changed


async def _keep(house: House, gateway: Gateway, movement: Movement) -> bool:
    fact = rules.fact_id(gateway.name, gateway.livemode, movement.ref)
    async with house.db.transaction() as conn:
        kept = await queries.keep(conn, uuid7(), gateway.name, gateway.livemode, movement)
        if kept.new:
            for posting in rules.postings(gateway.name, movement):
                await ledger.post(conn, posting.kind, "movement", fact, None, posting.currency, posting.entries)
            return False
        if (kept.kind, kept.gross, kept.fee, kept.currency) == (
            movement.kind,
            movement.gross,
            movement.fee,
            movement.currency,
        ):
            return False
        detail: dict[str, object] = {
            "gateway": gateway.name, "ref": movement.ref, "currency": movement.currency, "was": kept.gross - kept.fee, "is": movement.net,
            "difference": movement.net - kept.gross + kept.fee,
        }  # fmt: skip
        return await payments.report_concern(conn, "movement_changed", f"movement_changed:{fact}", detail)


async def _heal(house: House, gateway: Gateway) -> None:
    """What somebody forgot to tell us is told now. A refusal is the gateway's way to say that there is nothing to see.

    A payment of which nothing is listed yet has told us more than the list: it is looked at when the list has had its time.
    """
    assert isinstance(gateway, MoneyListing)
    async with house.db.transaction() as conn:
        now = await queries.now(conn)
        ours = await queries.list_differences(conn, gateway.name, gateway.livemode)
        strangers = await queries.list_strangers(conn, gateway.name, gateway.livemode)
    worth = [each for each in ours if each.theirs or rules.is_due(each, now, gateway.listing_lag)]
    for transaction_id in dict.fromkeys(each.transaction_id for each in worth):
        if transaction_id is not None:
            settling = payments.settle(house, transaction_id, source="reconcile")
            await payments.alone(house, transaction_id, settling)
    for ref in dict.fromkeys(each.ref for each in strangers):
        try:
            await payments.receive_stray(house, gateway, ref, "daily money")
        except GatewayRefused as refusal:
            log.warning("%s lists money of %s, and does not show it: %s", gateway.name, ref, refusal)


async def _compare_attempts(house: House, gateway: Gateway) -> int:
    """One concern for each payment that differs, and for each line that belongs to nothing; gone ones settle themselves."""
    assert isinstance(gateway, MoneyListing)
    told, still, mode = 0, [], rules.fact_id(gateway.name, gateway.livemode, "")
    async with house.db.transaction() as conn:
        now = await queries.now(conn)
        differences = await queries.list_differences(conn, gateway.name, gateway.livemode)
        differences += await queries.list_strangers(conn, gateway.name, gateway.livemode)
        for each in differences:
            about = f"movements_differ:{mode}{each.ref}:{each.currency}"
            still.append(about)
            if rules.is_due(each, now, gateway.listing_lag):
                told += await payments.report_concern(
                    conn, "movements_differ", about, _detail(gateway, each), transaction_id=each.transaction_id, booking_id=each.booking_id
                )  # fmt: skip
        for loose in await queries.list_loose(conn, gateway.name, gateway.livemode):
            about = f"movement_unmatched:{mode}{loose.ref}"
            still.append(about)
            amount = rules.left_to_adopt(loose.kind, loose.gross, loose.fee)
            detail: dict[str, object] = {
                "gateway": gateway.name, "ref": loose.ref, "line": loose.kind, "difference": amount, "currency": loose.currency,
                "happened_at": loose.happened_at.isoformat(), "movement_id": str(loose.id),
            }  # fmt: skip
            told += await payments.report_concern(conn, "movement_unmatched", about, detail)
        for kind in ("movements_differ", "movement_unmatched"):
            await payments.resolve_concerns(conn, f"{kind}:{mode}", still)
    return told


def _detail(gateway: Gateway, each: Difference) -> dict[str, object]:
    return {
        "gateway": gateway.name, "ref": each.ref, "theirs": each.theirs, "ours": each.ours, "difference": each.amount, "currency": each.currency,
    }  # fmt: skip


async def _compare_balance(house: House, gateway: Gateway) -> dict[str, tuple[int, int, int]]:
    """Currency -> (theirs, ours, explained) where something is left unexplained. Each is noted down."""
    assert isinstance(gateway, MoneyListing)
    told = await gateway.balances()
    if told is None:
        return {}
    off: dict[str, tuple[int, int, int]] = {}
    async with house.db.transaction() as conn:
        held = await queries.currencies_held(conn, gateway.name)
        explained: dict[str, int] = {}
        for each in (
            *await queries.list_differences(conn, gateway.name, gateway.livemode),
            *await queries.list_strangers(conn, gateway.name, gateway.livemode),
        ):
            explained[each.currency] = explained.get(each.currency, 0) + each.amount
        for loose in await queries.list_loose(conn, gateway.name, gateway.livemode):
            amount = rules.left_to_adopt(loose.kind, loose.gross, loose.fee)
            explained[loose.currency] = explained.get(loose.currency, 0) + amount
        for currency in sorted(held.keys() | told.keys()):
            theirs, ours, known = told.get(currency, 0), held.get(currency, 0), explained.get(currency, 0)
            await queries.note_balance(conn, gateway.name, gateway.livemode, currency, theirs, ours, known)
            if rules.unexplained(theirs, ours, known):
                off[currency] = (theirs, ours, known)
    return off


async def _report_balance(house: House, gateway: Gateway, off: dict[str, tuple[int, int, int]]) -> int:
    """One concern for each currency in which the gateway holds another sum than our books say."""
    told, mode = 0, rules.fact_id(gateway.name, gateway.livemode, "")
    async with house.db.transaction() as conn:
        for currency, (theirs, ours, known) in off.items():
            detail: dict[str, object] = {
                "gateway": gateway.name, "theirs": theirs, "ours": ours, "explained": known,
                "difference": rules.unexplained(theirs, ours, known), "currency": currency,
            }  # fmt: skip
            told += await payments.report_concern(conn, "balance_differs", f"balance_differs:{mode}{currency}", detail)
        await payments.resolve_concerns(
            conn, f"balance_differs:{mode}", [f"balance_differs:{mode}{currency}" for currency in off]
        )
    return told


async def adopt(house: House, concern_id: UUID, *, shown: str, note: str, actor: str) -> None:
    """Book a difference as it is, because a person knows what it was: `note` says so. What belongs to no payment goes to `gateway_other`,
    what a stranger's payment lacks or has too much, to suspense. Pressed twice it is booked once.

    The gateway is asked first, and the difference must still be the one that was `shown` (minor units, as text). Raises, in the order
    checked: BadInput (note_missing); NotFound (concern_not_found); Conflict (not_adoptable: it is of a payment of ours); Unavailable
    (gateway_silent: or it is there with keys of the other mode only); Conflict (concern_settled, difference_changed).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say how it was settled.", details={"field": "note"})
    async with house.db.transaction() as conn:
        concern = await lock_anomaly(conn, concern_id)
    if concern is None:
        raise NotFound("concern_not_found", "We cannot find this.")
    if concern.kind not in rules.ADOPTED or concern.transaction_id is not None:
        raise Conflict("not_adoptable", "This cannot be booked by hand: ask the gateway about the payment instead.")
    gateway = str(concern.detail["gateway"])
    if not await _is_told_by_these_keys(house, concern) or not await look_again(house, gateway):
        raise Unavailable("gateway_silent", "The gateway does not answer. Please try again in a while.")
    async with house.db.transaction(claims("system", actor=actor)) as conn:
        concern = await lock_anomaly(conn, concern_id)
        assert concern is not None, "concerns are never deleted"
        if concern.resolved_at is not None:
            raise Conflict("concern_settled", "This has been settled already.")
        amount, currency = int(concern.detail["difference"]), str(concern.detail["currency"])
        if str(amount) != shown:
            raise Conflict("difference_changed", "The difference is another one by now. Please look again.")
        source, name, other = "concern", str(concern_id), rules.OTHER
        if concern.kind == "movement_unmatched":
            loose = await queries.get_loose(conn, UUID(str(concern.detail["movement_id"])))
            if loose is None:
                raise Conflict("difference_changed", "The difference is another one by now. Please look again.")
            await queries.adopt(conn, loose.id)
            source, name = "movement", rules.fact_id(gateway, house.gateways[gateway].livemode, loose.ref)
        elif concern.kind == "movements_differ":
            source, other = "gateway_object", rules.SUSPENSE
            name = f"{gateway}:{concern.detail['ref']}:adopted:{concern_id}"
        entries = [(rules.clearing(gateway), amount), (other, -amount)]
        await ledger.post(conn, "difference_adopted", source, name, None, currency, entries)
        if source == "gateway_object":
            await payments.tell_of_stray(conn, gateway, str(concern.detail["ref"]), currency, amount)
        detail = {"amount": amount, "currency": currency, "gateway": gateway}
        await history.record(conn, actor, "concern.adopted", "anomaly", concern_id, detail)
        await payments.settle_concern_in(conn, concern_id, actor=actor, note=note, over=True)


async def _is_told_by_these_keys(house: House, concern: Anomaly) -> bool:
    """Whether the account that differs is the one we would ask: the same gateway has another one for the other mode."""
    gateway = house.gateways.get(str(concern.detail["gateway"]))
    if gateway is None:
        return False
    async with house.db.transaction() as conn:
        about = f"{concern.kind}:{rules.fact_id(gateway.name, gateway.livemode, '')}"
        return await queries.is_about(conn, concern.id, about)
