"""No more letters like this one: the link of mails that may be stopped, for people and for their mail programs (RFC 8058). Letters about
somebody's own journeys do not carry it and are written all the same."""

from __future__ import annotations

from uuid import UUID

from jklg.kit.db import Database
from jklg.kit.errors import NotFound
from jklg.kit.tokens import derived_token, is_derived_token
from jklg.mail import queries
from jklg.settings import Settings

PURPOSE = "stop mail"


def stop_url(settings: Settings, mail_id: UUID) -> str:
    """Whoever holds the mail holds the link; it names nobody."""
    return f"{settings.public_url}/mail/stop/{mail_id}/{derived_token(settings.secret, PURPOSE, str(mail_id))}"


def check_link(settings: Settings, mail_id: UUID, token: str) -> None:
    """NotFound: mail_not_found."""
    if not is_derived_token(token, list(settings.secrets), PURPOSE, str(mail_id)):
        raise NotFound("mail_not_found", "There is no such mail.")


async def stop(db: Database, mail_id: UUID) -> None:
    """Nothing that may be stopped is written to the reader of this mail any more. Twice is as good as once."""
    async with db.transaction() as conn:
        await queries.stop(conn, mail_id)
