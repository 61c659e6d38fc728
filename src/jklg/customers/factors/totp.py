"""Authenticator apps (RFC 6238): a secret is shown once, confirmed by a code, and from then on each code is good once."""

from __future__ import annotations

import logging
import os
from uuid import UUID

from jklg.customers.factors import rules, sealing, totp_queries
from jklg.customers.factors.sealing import Sealed
from jklg.customers.factors.totp_queries import Totp
from jklg.kit.db import Connection
from jklg.settings import Settings

log = logging.getLogger(__name__)

MINUTES_TO_CONFIRM = 30


async def begin(conn: Connection, settings: Settings, customer_id: UUID) -> bytes | None:
    """A new secret of 160 bits, encrypted in its row. None when the customer has a confirmed app already."""
    secret = os.urandom(rules.SECRET_BYTES)
    sealed = sealing.seal(settings.secret, customer_id, secret)
    return secret if await totp_queries.put(conn, customer_id, sealed.content, sealed.key_id) else None


async def confirm(conn: Connection, settings: Settings, customer_id: UUID, code: str) -> bool | None:
    """Turn it on with a first code. False when the code is wrong; None when nothing was begun, or half an hour ago."""
    found = await totp_queries.get_locked(conn, customer_id, rules.STEP_SECONDS, MINUTES_TO_CONFIRM)
    if found is None or found.confirmed_at is not None or not found.fresh:
        return None
    if not await _use_code(conn, settings, customer_id, found, code):
        return False
    await totp_queries.confirm(conn, customer_id)
    return True


async def use(conn: Connection, settings: Settings, customer_id: UUID, code: str) -> bool:
    """Whether this is a code of the customer's app that was not used before. It is used up when the caller commits."""
    found = await totp_queries.get_locked(conn, customer_id, rules.STEP_SECONDS, MINUTES_TO_CONFIRM)
    if found is None or found.confirmed_at is None:
        return False
    return await _use_code(conn, settings, customer_id, found, code)


async def _use_code(conn: Connection, settings: Settings, customer_id: UUID, found: Totp, code: str) -> bool:
    sealed = Sealed(found.secret, found.key_id)
    secret = sealing.unseal(settings.secrets, customer_id, sealed)
    if secret is None:
        log.error(
            "the secret of an authenticator app does not open: is its JWT_SECRET (%s) gone? customer %s",
            sealed.key_id,
            customer_id,
        )
        return False
    step = rules.matching_step(secret, code, found.step)
    if step is None or not await totp_queries.use_step(conn, customer_id, step):
        return False
    if not sealing.is_sealed_with(settings.secret, sealed):
        anew = sealing.seal(settings.secret, customer_id, secret)
        await totp_queries.reseal(conn, customer_id, anew.content, anew.key_id)
    return True
