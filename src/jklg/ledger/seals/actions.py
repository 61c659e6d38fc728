"""Seal what was posted; find out what was changed afterwards.

A posting is sealed seconds after it was committed, by the worker, so that posting itself waits for nobody. What somebody changes
before that looks like a posting of its own: payments' checks hold it against what the gateways told.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jklg.kit.db import Connection, Database
from jklg.ledger.seals import queries, rules


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where the chain stands. Written down elsewhere, it shows later whether its end was cut off. `unsealed`: postings still waiting."""

    number: int
    chain: str
    unsealed: int

    def __str__(self) -> str:
        return f"{self.number}:{self.chain}"


async def seal(db: Database, key: str, limit: int = 500) -> int:
    """A sweep: seal the postings that wait. Answers how many. `key` signs; keep it out of the database.

    One process at a time; its own database transaction.
    """
    async with db.transaction(opening=queries.OUR_OWN_PATH) as conn:
        if not await queries.take_turn(conn):
            return 0
        waiting = await queries.list_unsealed(conn, limit)
        if not waiting:
            return 0
        number, chain = await queries.last(conn) or (0, rules.BEGINNING)
        digests, chains = [rules.digest(*each) for each in waiting], []
        for digest in digests:
            chain = rules.link(chain, digest)
            chains.append(chain)
        numbers = range(number + 1, number + 1 + len(waiting))
        macs = [rules.mac(key, each, link) for each, link in zip(numbers, chains, strict=True)]
        ids = [posting.id for posting, _ in waiting]
        await queries.insert(conn, numbers, ids, digests, chains, macs, rules.key_id(key))
        return len(waiting)


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
    noted, _, noted_chain = expected.partition(":")
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
        met = met or (str(number) == noted and chain.hex() == noted_chain)
    if not met:
        find("the chain does not hold the head that was written down", expected)
    for transaction_id in await queries.list_overlooked(conn):
        find("a posting was never sealed", transaction_id)
    return Head(number=number, chain=chain.hex(), unsealed=await queries.count_unsealed(conn)), {
        sentence: list(dict.fromkeys(what)) for sentence, what in wrong.items()
    }
