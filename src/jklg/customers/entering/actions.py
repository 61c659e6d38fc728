"""Sign in, prove oneself again, sign out.

A stranger learns nothing here. For every address, whether it has an account, a registration or nothing, a wrong password costs
the same hashes (that of the account, then that of the newest registration, nobody's in place of a missing one), the same rows
and the same answer. Whether an account is unverified or closed is told after its own password only.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from jklg import history, jobs
from jklg.customers import factors, queries, sessions
from jklg.customers.entering import devices, letters, tries
from jklg.customers.queries import Account, Customer
from jklg.customers.rights import as_customer
from jklg.customers.sessions.rules import Visitor
from jklg.kit import passwords
from jklg.kit.db import Connection, Database
from jklg.kit.errors import BadInput, Forbidden, NotFound, NotSignedIn
from jklg.kit.languages import N_
from jklg.settings import Settings

NOBODY = UUID(int=0)
_WHAT_PROVES = {
    ("password",): N_("Please send your password."),
    ("code",): N_("Please send a code of your second factor, or use a passkey."),
    ("password", "code"): N_("Please send your password and a code of your second factor, or use a passkey."),
}


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh session of 7 days. The token goes to the client and lies nowhere."""

    customer: Customer
    token: str


class SecondFactorNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """The password was right; one of `methods` must follow, with `token`."""

    token: str
    methods: list[str]


async def sign_in(
    db: Database, settings: Settings, *, email: str, password: str, address: str, user_agent: str, marked: str = ""
) -> SignedIn | SecondFactorNeeded:
    """Check a password and open a session, or ask for the second factor. `address` is the network address of whoever asks, `marked`
    what `devices.mark` left in their browser.

    Raises TooMany (too_many_tries), NotSignedIn (invalid_credentials); after the right password Forbidden
    (email_not_verified with the customer's id in its details, account_not_active). A try is counted before it is made and
    given back when the password was right.
    """
    async with db.transaction() as conn:
        verified, pending = await queries.claimants(conn, email)
        customer_id = verified.id if verified else None
        device = devices.known(settings.secrets, customer_id or NOBODY, marked)
        taken = await tries.take(conn, email, address, customer_id, device)
    tries.refuse(taken)
    known = await passwords.verify(password, verified.password_hash if verified else None)
    if verified is not None and known.right:
        return await _enter(db, settings, verified, known.better, taken, address=address, user_agent=user_agent)
    claimed = await passwords.verify(password, pending.password_hash if pending else None)
    if pending is not None and claimed.right:
        await _give_back(db, taken)
        raise Forbidden("email_not_verified", "Email not verified", details={"customerId": str(pending.id)})
    async with db.transaction() as conn:
        await jobs.announce(
            conn, "customer.sign_in_failed", {"customer_id": str(verified.id) if verified is not None else None}
        )
    raise wrong()


async def _enter(
    db: Database,
    settings: Settings,
    account: Account,
    better_hash: str | None,
    taken: tries.Tries,
    *,
    address: str,
    user_agent: str,
) -> SignedIn | SecondFactorNeeded:
    """Past the password. The account may have changed while it was hashed: the database is asked once more."""
    async with db.transaction() as conn:
        await tries.give_back(conn, taken)
        methods = await factors.methods(conn, account.id)
        customer = await queries.note_sign_in(
            conn, account.id, seen_hash=account.password_hash, better_hash=better_hash, done=not methods
        )
        if customer is not None:
            if not methods:
                return await _open(conn, settings, customer, "password", address=address, user_agent=user_agent)
            return SecondFactorNeeded(token=await factors.begin_second_factor(conn, account.id), methods=methods)
    now = await _get(db, account.id)
    if now is None or now.password_hash != account.password_hash:
        raise wrong()
    raise not_active()


async def second_factor_options(db: Database, settings: Settings, token: str) -> dict[str, Any]:
    """What a browser needs to answer with a passkey. Raises what `factors` raises for a token that is over."""
    return await factors.second_factor_options(db, settings, token)


async def answer_second_factor(
    db: Database,
    settings: Settings,
    *,
    token: str,
    method: str,
    answer: str | dict[str, Any],
    address: str,
    user_agent: str,
) -> SignedIn:
    """The second step of a sign-in. Raises what `factors.answer_second_factor` raises; Forbidden (account_not_active)."""
    customer_id, seen_hash = await factors.answer_second_factor(db, settings, token, method, answer)
    async with db.transaction() as conn:
        customer = await queries.note_sign_in(conn, customer_id, seen_hash=seen_hash)
        if customer is None:
            now = await queries.get(conn, customer_id)
            raise factors.expired() if now and now.password_hash != seen_hash else not_active()
        return await _open(conn, settings, customer, method, address=address, user_agent=user_agent)


async def begin_passkey(db: Database, settings: Settings, address: str) -> tuple[str, dict[str, Any]]:
    """A token and what a browser needs to sign in by passkey alone. TooMany (too_many_tries): each call leaves a row."""
    async with db.transaction() as conn:
        taken = await tries.take_passkey_offer(conn, address)
    tries.refuse(taken)
    return await factors.begin_passkey_sign_in(db, settings)


async def finish_passkey(
    db: Database, settings: Settings, *, token: str, credential: dict[str, Any], address: str, user_agent: str
) -> SignedIn:
    """Sign in by passkey alone. Raises TooMany (too_many_tries), what `factors.finish_passkey_sign_in` raises, Forbidden
    (account_not_active)."""
    async with db.transaction() as conn:
        taken = await tries.take_network(conn, address)
    tries.refuse(taken)
    customer_id = await factors.finish_passkey_sign_in(db, settings, token, credential)
    async with db.transaction() as conn:
        await tries.give_back(conn, taken)
        customer = await queries.note_sign_in(conn, customer_id)
        if customer is None:
            raise not_active()
        return await _open(conn, settings, customer, "passkey", address=address, user_agent=user_agent)


async def _open(
    conn: Connection, settings: Settings, customer: Customer, by: str, *, address: str, user_agent: str
) -> SignedIn:
    opened = await sessions.open_session(
        conn, settings.secret, customer.id, address=address, user_agent=user_agent, signed_in_by=by
    )
    if opened.device_is_new:
        await letters.new_device(conn, settings, customer, opened.session_id, user_agent)
    return SignedIn(customer=customer, token=opened.token)


async def check_password(db: Database, customer_id: UUID, password: str, address: str) -> None:
    """Whether this is the customer's password, counted like a sign-in. TooMany (too_many_tries), NotSignedIn (invalid_credentials)."""
    async with db.transaction() as conn:
        account = await queries.get(conn, customer_id)
        taken = await tries.take(conn, account.email if account else "", address, customer_id)
    tries.refuse(taken)
    verdict = await passwords.verify(password, account.password_hash if account else None)
    if not verdict.right:
        async with db.transaction() as conn:
            await jobs.announce(conn, "customer.sign_in_failed", {"customer_id": str(account.id) if account else None})
        raise wrong()
    await _give_back(db, taken)


async def prove(
    db: Database, settings: Settings, who: Visitor, *, password: str | None, code: str | None, address: str
) -> None:
    """Prove once more that it is you: for 15 minutes, in this session. It takes what signing in takes: the password, where there is
    one, and a code of the second factor, where one is on. (A passkey is enough alone: `factors.finish_passkey_proof`.)

    Raises NotSignedIn (not_signed_in), Forbidden (email_not_verified), BadInput (proof_missing, with the fields that are needed),
    TooMany (too_many_tries), NotSignedIn (invalid_credentials).
    """
    known = await factors.list_factors(db, who)
    needed = [
        *(["password"] if known.has_password else []),
        *(["code"] if known.methods or not known.has_password else []),
    ]
    if (password is None and "password" in needed) or (code is None and "code" in needed):
        raise BadInput("proof_missing", _WHAT_PROVES[tuple(needed)], details={"needed": needed})
    if password is not None:
        await check_password(db, who.customer_id, password, address)
    if code is not None:
        await _check_code(db, settings, who.customer_id, code, address)
    async with as_customer(db, who) as conn:
        await sessions.prove(conn, who)
        await history.record(
            conn, f"customer:{who.customer_id}", "customer.proved", "customer", who.customer_id,
            {"session": str(who.session_id)},
        )  # fmt: skip


async def _check_code(db: Database, settings: Settings, customer_id: UUID, code: str, address: str) -> None:
    async with db.transaction() as conn:
        account = await queries.get(conn, customer_id)
        taken = await tries.take(conn, account.email if account else "", address, customer_id)
        guess = await tries.take_guess(conn, customer_id)
    tries.refuse(taken)
    tries.refuse(guess)
    async with db.transaction() as conn:
        right = await factors.check_code(conn, settings, customer_id, code)
    if not right:
        raise wrong()
    await _give_back(db, taken)
    await _give_back(db, guess)


async def list_sessions(db: Database, who: Visitor) -> list[sessions.Session]:
    """Where the visitor is signed in, the device seen last first. NotSignedIn (not_signed_in), Forbidden (email_not_verified)."""
    async with as_customer(db, who) as conn:
        return await sessions.list_active(conn, who.customer_id)


async def end_session(db: Database, who: Visitor, session_id: UUID) -> None:
    """Sign one device out. NotSignedIn (not_signed_in); NotFound (session_not_found) when it is not theirs or has ended."""
    async with as_customer(db, who) as conn:
        if not await sessions.end(conn, who, session_id):
            raise no_such_session()


async def end_other_sessions(db: Database, who: Visitor) -> int:
    """Sign every other device out. Answers how many. NotSignedIn (not_signed_in), Forbidden (email_not_verified)."""
    async with as_customer(db, who) as conn:
        return await sessions.end_all(conn, who.customer_id, but=who.session_id)


async def sign_out(db: Database, who: Visitor) -> None:
    """End this session, also that of a registration. NotSignedIn (not_signed_in) when it has ended already."""
    async with as_customer(db, who, pending_too=True) as conn:
        await sessions.end(conn, who, who.session_id)


async def sign_out_everywhere(db: Database, email: str) -> int:
    """The agency signs a customer out of every device, say because a telephone was stolen. Answers how many; 0 for an unknown address."""
    async with db.transaction() as conn:
        account, _ = await queries.claimants(conn, email)
        if account is None:
            return 0
        await factors.forget_challenges(conn, account.id)
        ended = await sessions.end_all(conn, account.id)
        await history.record(conn, "system", "customer.signed_out_by_agency", "customer", account.id)
        return ended


async def _give_back(db: Database, taken: tries.Tries) -> None:
    async with db.transaction() as conn:
        await tries.give_back(conn, taken)


async def _get(db: Database, customer_id: UUID) -> Account | None:
    async with db.transaction() as conn:
        return await queries.get(conn, customer_id)


def wrong() -> NotSignedIn:
    """The one answer to wrong, unknown and missing."""
    return NotSignedIn("invalid_credentials", "Invalid credentials")


def not_active() -> Forbidden:
    return Forbidden("account_not_active", "This account is not active. Please write to us.")


def no_such_session() -> NotFound:
    return NotFound("session_not_found", "There is no such session, or it has ended.")
