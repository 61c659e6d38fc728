"""How often one may try: at an account from a network, from a network at all, and at an account from networks it does not know.

Nobody can lock Asha out: what strangers do elsewhere is counted where they are, the limit on the account as a whole does not hold for
networks on which she was signed in before, and a browser on which she was has a measure of its own. Accounts are named by the address that was typed, whether it exists or not.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from jklg import limits
from jklg.customers import factors, sessions
from jklg.kit.db import Connection
from jklg.kit.errors import TooMany
from jklg.limits import Limit

HERE = Limit("sign_in_here", 10, 15 * 60)
"""At one account from one network."""
NETWORK = Limit("sign_in_network", 50, 15 * 60)
ANYWHERE = Limit("sign_in_anywhere", 100, 3600)
"""At one account, from all the networks that it does not know."""
PASSKEY_OFFERS = Limit("passkey_offers", 100, 15 * 60)
"""From one network: asking what a passkey should sign."""
DEVICE = Limit("sign_in_device", 10, 15 * 60)
"""At one account from a browser on which its owner has signed in before."""
_NOBODY = UUID(int=0)


class Tries(NamedTuple):
    """What was taken, to be given back. `wait`: seconds, when there was nothing left to take."""

    wait: int
    taken: list[tuple[Limit, str]]


async def take(
    conn: Connection, email: str, address: str, customer_id: UUID | None, device: str | None = None
) -> Tries:
    """Count a try before it is made. `device`: the browser, when the customer has signed in on it before."""
    if device is not None:
        own = [(DEVICE, f"{email.lower()} {device}")]
        return Tries(await limits.take(conn, own), own)
    network = limits.network(address)
    wanted = [(HERE, f"{email.lower()} {network}"), (NETWORK, network)]
    if not await sessions.knows_network(conn, customer_id or _NOBODY, network):
        wanted.append((ANYWHERE, email.lower()))
    return Tries(await limits.take(conn, wanted), wanted)


async def take_network(conn: Connection, address: str) -> Tries:
    """Count a try at nobody's account in particular."""
    wanted = [(NETWORK, limits.network(address))]
    return Tries(await limits.take(conn, wanted), wanted)


async def take_passkey_offer(conn: Connection, address: str) -> Tries:
    """Count a question what a passkey should sign."""
    wanted = [(PASSKEY_OFFERS, limits.network(address))]
    return Tries(await limits.take(conn, wanted), wanted)


async def take_guess(conn: Connection, customer_id: UUID) -> Tries:
    """Count a code of the second factor, wherever it is typed: those of a sign-in are counted in the same measure."""
    wanted = [(factors.GUESSES, str(customer_id))]
    return Tries(await limits.take(conn, wanted), wanted)


async def give_back(conn: Connection, tries: Tries) -> None:
    """It was no failure."""
    await limits.give_back(conn, tries.taken)


async def clear(conn: Connection, email: str) -> None:
    """Whoever has proven the mailbox begins anew."""
    await limits.clear(conn, email.lower())


def refuse(tries: Tries) -> None:
    """TooMany (too_many_tries) when nothing was left."""
    if tries.wait:
        raise TooMany("too_many_tries", "Too many tries. Please wait a quarter of an hour.", retry_after=tries.wait)
