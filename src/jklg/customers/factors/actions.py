"""What owners do about their own factors. Every change needs a fresh proof, locks the customer, is written down and mailed.

Nobody locks themselves out unasked: without a password the last passkey stays, and so do the recovery codes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from jklg.customers import queries, sessions
from jklg.customers.factors import (
    ceremonies,
    challenges,
    notices,
    passkey_queries,
    recovery_code_queries,
    recovery_codes,
    rules,
    second_step,
    totp,
    totp_queries,
)
from jklg.customers.factors.passkey_queries import PasskeySeen
from jklg.customers.queries import Account
from jklg.customers.rights import as_customer
from jklg.customers.sessions.actions import must_be_fresh
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database
from jklg.kit.errors import BadInput, Conflict, NotFound, NotSignedIn
from jklg.kit.ids import uuid7
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.settings import Settings

MOST_PASSKEYS = 20


class Factors(msgspec.Struct, frozen=True, kw_only=True):
    """What opens an account. `methods`: what must follow the password, [] when nothing. Times in UTC."""

    has_password: bool
    methods: list[str]
    totp_confirmed_at: datetime | None
    recovery_codes_left: int
    passkeys: list[PasskeySeen]


class NewTotp(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an authenticator app, shown once: in base32, and as the QR code says it."""

    secret: str
    otpauth_url: str


async def list_factors(db: Database, who: Visitor) -> Factors:
    """NotSignedIn (not_signed_in), Forbidden (email_not_verified)."""
    async with as_customer(db, who) as conn:
        account = await queries.get(conn, who.customer_id)
    async with db.transaction() as conn:
        return Factors(
            has_password=account is not None and account.password_hash is not None,
            methods=await second_step.methods(conn, who.customer_id),
            totp_confirmed_at=await totp_queries.confirmed_at(conn, who.customer_id),
            recovery_codes_left=(await recovery_code_queries.count(conn, who.customer_id)).left,
            passkeys=await passkey_queries.list_seen(conn, who.customer_id),
        )


@asynccontextmanager
async def _changing(db: Database, who: Visitor) -> AsyncIterator[tuple[Connection, Account]]:
    """The house at work for a signed-in customer with a fresh proof: changes of one customer's factors take turns.

    NotSignedIn (not_signed_in), Forbidden (email_not_verified, proof_needed).
    """
    async with as_customer(db, who) as conn:
        await must_be_fresh(conn, who)
    async with db.transaction() as conn:
        account = await queries.get_locked(conn, who.customer_id)
        if account is None or account.status != "active" or not await sessions.lives(conn, who):
            raise NotSignedIn("not_signed_in", "Please sign in first.")
        yield conn, account


async def begin_totp(db: Database, settings: Settings, who: Visitor) -> NewTotp:
    """A new secret, to be confirmed within 30 minutes. Besides what every change raises: Conflict (totp_is_on)."""
    async with _changing(db, who) as (conn, account):
        secret = await totp.begin(conn, settings, who.customer_id)
        if secret is None:
            raise Conflict("totp_is_on", "An authenticator app is in use already. Remove it first.")
        return NewTotp(
            secret=rules.base32(secret), otpauth_url=rules.otpauth_url(secret, account.email, settings.agency_name)
        )


async def confirm_totp(db: Database, settings: Settings, who: Visitor, code: str) -> list[str]:
    """Turn it on. Answers ten recovery codes, shown once.

    Besides what every change raises: Conflict (totp_not_begun), BadInput (code_wrong).
    """
    async with _changing(db, who) as (conn, _):
        confirmed = await totp.confirm(conn, settings, who.customer_id, code)
        if confirmed is None:
            raise Conflict(
                "totp_not_begun", "Please begin again: there is no new secret, or it is older than half an hour."
            )
        if not confirmed:
            raise BadInput("code_wrong", "This is not the code of your app at this moment.", details={"field": "code"})
        await notices.tell(conn, settings, who.customer_id, "totp_added")
        return await recovery_codes.make(conn, who.customer_id)


async def remove_totp(db: Database, settings: Settings, who: Visitor) -> None:
    """Recovery codes stay for as long as there is a passkey. Besides what every change raises: NotFound (totp_not_found)."""
    async with _changing(db, who) as (conn, _):
        if not await totp_queries.delete(conn, who.customer_id):
            raise NotFound("totp_not_found", "There is no authenticator app to remove.")
        await _drop_idle_codes(conn, who.customer_id)
        await notices.tell(conn, settings, who.customer_id, "totp_removed")


async def make_recovery_codes(db: Database, settings: Settings, who: Visitor) -> list[str]:
    """Ten new ones in place of all others, shown once. With passkeys and no authenticator app, this turns the second factor on.

    Besides what every change raises: Conflict (no_second_factor).
    """
    async with _changing(db, who) as (conn, _):
        if not await _has_any(conn, who.customer_id):
            raise Conflict("no_second_factor", "Add an authenticator app or a passkey first.")
        codes = await recovery_codes.make(conn, who.customer_id)
        await notices.tell(conn, settings, who.customer_id, "recovery_codes_made")
        return codes


async def remove_recovery_codes(db: Database, settings: Settings, who: Visitor) -> None:
    """With passkeys only, this turns the second factor off.

    Besides what every change raises: Conflict (totp_is_on, no_password), NotFound (recovery_codes_not_found).
    """
    async with _changing(db, who) as (conn, account):
        if await totp_queries.confirmed_at(conn, who.customer_id) is not None:
            raise Conflict("totp_is_on", "Recovery codes stay for as long as an authenticator app is in use.")
        if account.password_hash is None:
            raise _no_password(N_("Your account has no password: set one before you remove the recovery codes."))
        if not (await recovery_code_queries.count(conn, who.customer_id)).made:
            raise NotFound("recovery_codes_not_found", "There are no recovery codes.")
        await recovery_code_queries.delete(conn, who.customer_id)
        await notices.tell(conn, settings, who.customer_id, "recovery_codes_removed")


async def begin_passkey(db: Database, settings: Settings, who: Visitor) -> tuple[str, dict[str, Any]]:
    """A token and what `navigator.credentials.create` needs. Besides what every change raises: Conflict (too_many_passkeys)."""
    challenge = ceremonies.new_challenge()
    async with _changing(db, who) as (conn, account):
        have = await passkey_queries.list_of(conn, who.customer_id)
        _room_for_one_more(len(have))
        token = await challenges.begin(conn, "add_passkey", who.customer_id, challenge)
    options = ceremonies.options_to_make(settings, who.customer_id, account.email, account.name, have, challenge)
    return token, options


async def add_passkey(
    db: Database, settings: Settings, who: Visitor, *, token: str, credential: dict[str, Any], name: str
) -> PasskeySeen:
    """Keep a passkey that was made for the token's challenge. The token is used up, whatever comes of it.

    Raises BadInput (passkey_name_invalid), what every change raises, Conflict (too_many_passkeys), BadInput (passkey_refused).
    """
    name = rules.check_passkey_name(name)
    async with _changing(db, who) as (conn, _):
        challenge = await challenges.take(conn, "add_passkey", who.customer_id, token)
    made = ceremonies.made(settings, credential, challenge) if challenge is not None else None
    if made is None:
        raise _refused()
    async with _changing(db, who) as (conn, _):
        _room_for_one_more(await passkey_queries.count(conn, who.customer_id))
        passkey_id = uuid7()
        if not await passkey_queries.insert(
            conn, passkey_id=passkey_id, customer_id=who.customer_id, name=name, **made._asdict()
        ):
            raise _refused()
        await notices.tell(conn, settings, who.customer_id, "passkey_added", {"passkey": str(passkey_id)})
        return next(each for each in await passkey_queries.list_seen(conn, who.customer_id) if each.id == passkey_id)


async def remove_passkey(db: Database, settings: Settings, who: Visitor, passkey_id: UUID) -> None:
    """Besides what every change raises: NotFound (passkey_not_found), also for somebody else's; Conflict (no_password) for the
    last one of an account without a password."""
    async with _changing(db, who) as (conn, account):
        if not await passkey_queries.delete(conn, who.customer_id, passkey_id):
            raise NotFound("passkey_not_found", "There is no such passkey.")
        if account.password_hash is None and not await passkey_queries.count(conn, who.customer_id):
            raise _no_password(N_("Your account has no password: set one before you remove the last passkey."))
        await _drop_idle_codes(conn, who.customer_id)
        await notices.tell(conn, settings, who.customer_id, "passkey_removed", {"passkey": str(passkey_id)})


async def drop_password(db: Database, settings: Settings, who: Visitor) -> None:
    """Passkeys only, from now on. Whoever loses them all sets a password through their mailbox, and needs a recovery code then.

    Boring the second time. Besides what every change raises: Conflict (passkey_needed, recovery_codes_needed).
    """
    async with _changing(db, who) as (conn, account):
        if not await passkey_queries.count(conn, who.customer_id):
            raise Conflict("passkey_needed", "Add a passkey first.")
        if not (await recovery_code_queries.count(conn, who.customer_id)).left:
            raise Conflict("recovery_codes_needed", "Make recovery codes first, for the day your passkeys are lost.")
        if account.password_hash is None:
            return
        await queries.set_password(conn, who.customer_id, None)
        await challenges.forget_challenges(conn, who.customer_id)
        await notices.tell(conn, settings, who.customer_id, "password_dropped")


async def drop_younger(conn: Connection, settings: Settings, customer_id: UUID, days: int) -> None:
    """Somebody else had the account: what was added in the last `days` days goes, older factors stay. Recovery codes made since then go.

    In the caller's database transaction, which holds the customer's lock. Nothing that is half done can be finished.
    """
    await challenges.forget_challenges(conn, customer_id)
    gone = [
        await totp_queries.delete_younger(conn, customer_id, days),
        await passkey_queries.delete_younger(conn, customer_id, days),
        await recovery_code_queries.delete_younger(conn, customer_id, days),
    ]
    await _drop_idle_codes(conn, customer_id)
    if any(gone):
        await notices.tell(conn, settings, customer_id, "factors_dropped")


async def drop_all(conn: Connection, customer_ids: list[UUID]) -> None:
    """Forget every factor and everything half done of accounts that go away."""
    await challenges.forget_all(conn, customer_ids)
    for customer_id in customer_ids:
        await totp_queries.delete(conn, customer_id)
        await recovery_code_queries.delete(conn, customer_id)
        await passkey_queries.delete_all(conn, customer_id)


async def _has_any(conn: Connection, customer_id: UUID) -> bool:
    return (
        await totp_queries.confirmed_at(conn, customer_id) is not None
        or await passkey_queries.count(conn, customer_id) > 0
    )


async def _drop_idle_codes(conn: Connection, customer_id: UUID) -> None:
    """Recovery codes stand in for something; with nothing left they would only lie about."""
    if not await _has_any(conn, customer_id):
        await recovery_code_queries.delete(conn, customer_id)


def _room_for_one_more(have: int) -> None:
    if have >= MOST_PASSKEYS:
        raise Conflict(
            "too_many_passkeys",
            _("An account keeps up to {most} passkeys. Remove one first.").format(most=MOST_PASSKEYS),
        )


def _refused() -> BadInput:
    return BadInput("passkey_refused", "This passkey could not be added. Please begin again.")


def _no_password(sentence: str) -> Conflict:
    return Conflict("no_password", sentence)
