"""What must be true: of our rows (tests/invariants.py), of the banks' things beside them, and at the end of the books as a whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jklg import ledger
from jklg.reconciliation import ALL_CHECKS
from jklg.sandbox import account
from jklg.sandbox.things import Dispute, Intent, Refund
from tests import invariants
from tests.simulation.banks import OPEN_DISPUTES
from tests.simulation.branches import STILL_OPEN, Branch

if TYPE_CHECKING:
    from tests.simulation.world import World

_STRANGE = """
SELECT last_error FROM webhook_inbox WHERE last_error !~ '^(Gateway|ConnectionDoesNotExist|Unavailable)'
UNION SELECT last_error FROM gateway_commands WHERE last_error ~ 'asyncpg'
"""


_ALONE = """
SELECT q.id FROM refund_requests q
WHERE NOT q.needs_second AND q.asked_by LIKE 'staff:%' AND q.reason <> 'cancelled' AND $1 < (
    SELECT sum(r.amount) FROM refunds r JOIN refund_requests p ON p.id = r.request_id
    WHERE p.booking_id = q.booking_id AND NOT p.needs_second AND p.asked_by LIKE 'staff:%' AND r.state NOT IN ('failed', 'canceled')
      AND (p.id = q.id OR p.asked_at < q.asked_at AND p.asked_at > q.asked_at - interval '1 day'))
"""
_CLAIMED = "SELECT gateway, transaction_id, amount, captured_amount, refund_amount FROM transactions"


async def broken(world: World, *, quiet: bool, counted: bool) -> list[str]:
    """What is not true, in sentences. `counted`: once all is quiet, every bank's balance has to be what our books say."""
    superuser = world.stage.superuser
    found = await invariants.broken(superuser, quiet=quiet)
    found += [f"W: a notice failed for no fault of the bank's: {row[0]}" for row in await superuser.fetch(_STRANGE)]
    limit = world.house.settings.refund_alone[0][1] * 100
    found += [
        f"Q: not true: one person alone sends back no more than the limit ({world.name('q', row[0])})"
        for row in await superuser.fetch(_ALONE, limit)
    ]
    claimed = {(row[0], row[1]): tuple(row[2:]) for row in await superuser.fetch(_CLAIMED)}
    held = dict(
        await superuser.fetch(
            "SELECT account, sum(amount)::bigint FROM ledger_entries WHERE account LIKE 'gateway_clearing:%' GROUP BY account"
        )
        if quiet
        else ()
    )
    for branch in world.branches:
        found += await _of_branch(world, branch, claimed)
        if quiet:
            found += await _of_quiet_branch(branch, held.get(f"gateway_clearing:{branch.name}", 0) if counted else None)
    return found


async def _of_branch(world: World, branch: Branch, claimed: dict[tuple[str, str], tuple[int, int, int]]) -> list[str]:
    """What our rows cannot know."""
    async with branch.bank.work() as work:
        intents, refunds = work.all(Intent), work.all(Refund)
    ours = [each for each in intents if each.id not in branch.strangers]
    if branch.name == "razorpay":  # two may be made at the same moment, of which no payer ever sees the second
        ours = [each for each in ours if each.amount_received]
    attempts = Counter(each.metadata[branch.attempt_key] for each in ours)
    found = [
        f"C: not true: an attempt is made at the bank once ({world.name('t', id_)})"
        for id_, n in attempts.items()
        if n > 1
    ]
    returns = Counter(each.metadata[branch.refund_key] for each in refunds if branch.refund_key in each.metadata)
    found += [
        f"C: not true: a refund is made at the bank once ({world.name('r', id_)})"
        for id_, n in returns.items()
        if n > 1
    ]
    for each in intents:
        if (branch.name, each.id) not in claimed:
            continue
        asked, captured, refunded = claimed[branch.name, each.id]
        if asked != each.amount:
            found.append(f"K: not true: the bank is asked for what we wrote down ({each.id} {each.amount})")
        if captured > each.amount_received:
            found.append(f"C: we say that we have what the bank has not taken ({each.id} {captured})")
        sent = sum(refund.amount for refund in refunds if refund.intent == each.id and refund.sent_at is not None)
        if refunded > sent:
            found.append(f"R: we say that it went back, and the bank has not sent it ({each.id} {refunded})")
    return found


async def _of_quiet_branch(branch: Branch, books: int | None) -> list[str]:
    async with branch.bank.work() as work:
        intents, disputes, balance = work.all(Intent), work.all(Dispute), work.balance()
        # Razorpay tells of a fee with the payout that holds it, and where more went back than came, nothing is paid out.
        untold = (
            sum(line.fee for line in account.lines(work) if line.payout is None) if branch.name == "razorpay" else 0
        )
    found = []
    if branch.closes:
        found += [
            f"S: not true: nothing can be paid any more at the bank ({branch.name} {each.id} {each.status})"
            for each in intents if each.status in STILL_OPEN
        ]  # fmt: skip
    found += [f"D: a dispute is open ({each.id})" for each in disputes if each.status in OPEN_DISPUTES]
    there = sum(page["available"] for page in balance.values()) + untold
    if books is not None and books != there:
        found.append(
            f"B: not true: the bank holds what our books say it holds ({branch.name}: bank {there}, books {books})"
        )
    return found


async def prove(world: World) -> None:
    """The books as a whole, with every check that there is. Raises Broken."""
    from tests.simulation.world import SECRET, Broken

    findings = await ledger.verify(world.db, ALL_CHECKS, keys=[SECRET])
    if findings.broken:
        raise Broken(world, [f"V: {sentence}: {rows}" for sentence, rows in findings.broken.items()])
    for branch in world.branches:
        if branch.name == "stripe" and branch.peer.wallet.methods:
            raise Broken(
                world, [f"K: not true: no card is kept for longer than it is needed ({branch.peer.wallet.methods})"]
            )
