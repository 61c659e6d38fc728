"""What a customer may choose as a password: what the house says of any, and, when a list is set, what has not leaked elsewhere."""

from __future__ import annotations

from jklg.kit import passwords
from jklg.kit.errors import BadInput
from jklg.settings import Settings


async def check(settings: Settings, password: str, *, email: str, name: str) -> None:
    """BadInput (password_invalid, password_common). Calls the network when `settings.pwned_url` is set: never in a database transaction."""
    passwords.check_new(password, [email, name, settings.agency_name])
    if await passwords.is_breached_online(password, settings.pwned_url):
        raise BadInput(
            "password_common",
            "This password has leaked from another site. Please choose one that you use nowhere else.",
        )
