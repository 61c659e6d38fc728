"""Mallory has read the source: what she tries against the accounts of others, each once."""

from __future__ import annotations

from jklg.bookings import keys
from jklg.kit.ids import uuid7
from jklg.kit.tokens import sealed
from tests.customers.people import MALLORYS, PASSWORD, People, people, refused  # noqa: F401  (people is a fixture)

CHROME_ON_ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


async def test_whoever_calls_herself_like_a_sealed_word_gets_nobodys_link(people: People) -> None:
    """An export shows sealed words as they are kept. Were one opened wherever it stands, a name would have tokens made."""
    secret, ashas = people.house.settings.secret, uuid7()
    name = sealed("token", secret, "booking", str(ashas))
    mallory = await people.join("mallory@example.net", name=f"M {name}", at=MALLORYS)
    for agent in ("", CHROME_ON_ANDROID):
        assert (await people.login("mallory@example.net", at=MALLORYS, agent=agent)).status_code == 200
    letter = await people.letter("new_device", "mallory@example.net")
    assert keys.manage_token(secret, ashas) not in letter.text + letter.html
    assert mallory["customerId"]
