"""How often one may make us write mails: from a network, and to a mailbox, whoever asks.

Too much from one network is refused. Too much to one mailbox is not refused, for that would tell that somebody else has been at it,
and let Mallory keep Asha from registering: the answer is the same, and no further mail is written.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from jklg import limits
from jklg.kit.db import Connection
from jklg.kit.errors import TooMany
from jklg.limits import Limit

NETWORK = Limit("mails_network", 60, 3600)
MAILBOX_HERE = Limit("mails_here", 5, 3600)
MAILBOX = Limit("mails_mailbox", 8, 3600)
MOVER = Limit("mails_mover", 5, 3600)
CODES_NETWORK = Limit("codes_network", 50, 3600)


class Patience(NamedTuple):
    """`wait`: seconds, when the network asks too often. `may_mail`: the mailbox may have one more."""

    wait: int
    may_mail: bool


async def take(conn: Connection, why: str, email: str, address: str, mover: UUID | None = None) -> Patience:
    """Count a wish for a mail. `why`: 'verify', 'forgot', 'moving'; a mailbox has a measure for each."""
    network = limits.network(address)
    wait = await limits.take(conn, [(NETWORK, network)])
    mailbox = f"{why} {email.lower()}"
    wanted = [(MAILBOX_HERE, f"{mailbox} {network}"), (MAILBOX, mailbox)]
    if mover is not None:
        wait = max(wait, await limits.take(conn, [(MOVER, str(mover))]))
    return Patience(wait, not wait and not await limits.take(conn, wanted))


async def take_code(conn: Connection, address: str) -> Patience:
    """Count a typed code."""
    return Patience(await limits.take(conn, [(CODES_NETWORK, limits.network(address))]), False)


def refuse(patience: Patience) -> None:
    """TooMany (too_many_requests)."""
    if patience.wait:
        raise TooMany("too_many_requests", "Too many requests. Please wait a while.", retry_after=patience.wait)
