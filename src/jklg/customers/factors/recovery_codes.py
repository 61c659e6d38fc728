"""Recovery codes: ten on a sheet of paper, each good once, for the day the telephone is lost. Only their hashes are kept."""

from __future__ import annotations

import os
from uuid import UUID

from jklg.customers.factors import recovery_code_queries, rules
from jklg.kit.db import Connection


async def make(conn: Connection, customer_id: UUID) -> list[str]:
    """Ten new ones, in place of all others. To be shown once. The caller holds the customer's lock."""
    codes = [rules.recovery_code(os.urandom(rules.CODE_BYTES)) for _ in range(rules.CODES)]
    await recovery_code_queries.delete(conn, customer_id)
    await recovery_code_queries.insert(
        conn, customer_id, [rules.recovery_code_hash(customer_id, code) for code in codes]
    )
    return codes


async def use(conn: Connection, customer_id: UUID, typed: str) -> bool:
    """Whether this is an unused one of the customer's. It is used up when the caller commits."""
    return await recovery_code_queries.use(conn, customer_id, rules.recovery_code_hash(customer_id, typed))
