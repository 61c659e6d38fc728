"""Seal what was posted; find out what was changed afterwards.

A posting is sealed seconds after it was committed, by the worker, so that posting itself waits for nobody. What somebody changes
before that looks like a posting of its own: payments' checks hold it against what the gateways told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jklg.kit.db import Connection, Database
from jklg.kit.errors import Conflict
from jklg.ledger.seals import notes, queries, rules


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where the chain stands. Written down elsewhere, it shows later whether its end was cut off. `unsealed`: postings still waiting."""

    number: int
    chain: str
    unsealed: int

    def __str__(self) -> str:
        return rules.head(self.number, bytes.fromhex(self.chain))


class HeadLost(Conflict):
    """The database does not hold the head of the chain that we noted: seals were taken away, or it is an older copy of itself."""

    def __init__(self, head: str, note: Path) -> None:
        super().__init__(
            "ledger_head_lost",
            "The books no longer hold the last seal that was noted. Nothing is sealed until a person has looked.",
            log=f"{note} says {head}, which the chain in the database does not hold. Nothing is sealed until a person has looked: "
            "`jklg ledger verify`. If an older backup was restored on purpose, remove that file, and sealing begins anew",
        )
        self.head = head
        self.note = note


async def seal(db: Database, key: str, data_dir: Path | None = None, limit: int = 500) -> int:
    """A sweep: seal the postings that wait. Answers how many. `key` signs; keep it out of the database.

    Where the chain then stands is noted in `data_dir`. Raises HeadLost, and seals nothing, when the database does not hold what was noted
    there before. One process at a time; its own database transaction.
    """
    before = _noted(data_dir)
    async with db.transaction(opening=queries.OUR_OWN_PATH) as conn:
        if not await queries.take_turn(conn):
            return 0
        if before and data_dir and not await _holds(conn, before):
            raise HeadLost(before, notes.note_of(data_dir))
        waiting = await queries.list_unsealed(conn, limit)
        if not waiting and not before:
            return 0
        number, chain, mac = await queries.last(conn) or (0, rules.BEGINNING, b"")
        if waiting:
            number, chain, mac = await _seal_these(conn, key, waiting, number, chain)
    # Only now: what is noted must have been committed. What the worker of another machine has sealed is noted here as well.
    if data_dir is not None and mac == rules.mac(key, number, chain):
        await asyncio.to_thread(notes.note, data_dir, number, rules.head(number, chain))
    return len(waiting)


async def _seal_these(
    conn: Connection, key: str, waiting: Sequence[tuple[rules.Posting, list[rules.Entry]]], number: int, chain: bytes
) -> tuple[int, bytes, bytes]:
    """Go on after this seal. Answers the last one."""
    digests, chains = [rules.digest(*each) for each in waiting], []
    for digest in digests:
        chain = rules.link(chain, digest)
        chains.append(chain)
    numbers = range(number + 1, number + 1 + len(waiting))
    macs = [rules.mac(key, each, link) for each, link in zip(numbers, chains, strict=True)]
    ids = [posting.id for posting, _ in waiting]
    await queries.insert(conn, numbers, ids, digests, chains, macs, rules.key_id(key))
    return numbers[-1], chain, macs[-1]


def _noted(data_dir: Path | None) -> str:
    if data_dir is None:
        return ""
    try:
        return notes.noted_head(data_dir)
    except OSError as error:
        notes.warn(data_dir, error)
        return ""


async def _holds(conn: Connection, head: str) -> bool:
    """Whether the chain goes through a head that was noted."""
    number = rules.number_of(head)
    chain = await queries.chain_at(conn, number)
    return chain is not None and rules.head(number, chain) == head


async def examine(conn: Connection, keys: Sequence[str], expected: str = "") -> tuple[Head, dict[str, list[str]]]:
    """Where the chain stands, and what is wrong with it: {sentence: the postings it is about}. Reads the whole chain.

    In the caller's database transaction, which sees one snapshot and has set `queries.OUR_OWN_PATH`.
    `keys` are those that may have signed, `expected` a head that was written down earlier: 'number:chain'.
    """
    known = {rules.key_id(key): key for key in keys}
    wrong: dict[str, list[str]] = {}

    def find(sentence: str, what: object) -> None:
        wrong.setdefault(sentence, []).append(str(what))

    number, chain = 0, rules.BEGINNING
    met = expected == ""
    async for each in queries.read(conn):
        if each.posting is None:
            find("a sealed posting is gone", each.transaction_id)
        elif rules.digest(each.posting, each.entries) != each.digest:
            find("a posting was changed after it was sealed", each.transaction_id)
        if each.number != number + 1:
            find("seals are missing", f"{number + 1} to {each.number - 1}")
        elif each.chain != rules.link(chain, each.digest):
            find("a seal does not follow the one before it", f"{each.number} of {each.transaction_id}")
        key = known.get(each.key_id)
        if key is None:
            find("seals were made with a key that is not among ours", each.key_id)
        elif each.mac != rules.mac(key, each.number, each.chain):
            find("a seal was not made by us", f"{each.number} of {each.transaction_id}")
        number, chain = each.number, each.chain
        met = met or rules.head(number, chain) == expected
    if not met:
        find("the chain does not hold the head that was written down", expected)
    for transaction_id in await queries.list_overlooked(conn):
        find("a posting was never sealed", transaction_id)
    return Head(number=number, chain=chain.hex(), unsealed=await queries.count_unsealed(conn)), {
        sentence: list(dict.fromkeys(what)) for sentence, what in wrong.items()
    }
