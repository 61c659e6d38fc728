"""Whatever state something can be in, as the database knows it, staff read a word for it in their language."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jklg.kit.languages import speaking
from jklg.settings import Settings
from jklg.web.render import Pages

SHOWN = {
    ("bookings", "status"), ("bookings", "payment_status"), ("departures", "status"), ("refunds", "state"), ("disputes", "state"),
}  # fmt: skip


async def states(conn: Any) -> set[str]:
    """Every state that those columns may hold, that a payment has, and what it is called then."""
    found = set()
    for table, column in SHOWN:
        said = await conn.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2",
            table, f"{table}_{column}_check",
        )  # fmt: skip
        found |= set(re.findall(r"'(\w+)'::text", said))
    body = await conn.fetchval("SELECT pg_get_functiondef('transaction_status'::regproc)")
    found |= set(re.findall(r"(?:THEN|ELSE) '(\w+)'", body))
    return found | {row[0] for row in await conn.fetch("SELECT state FROM transaction_states")}


@pytest.mark.parametrize("language", ["en", "hi"])
async def test_every_state_has_a_word(server_admin: Any, settings: Settings, language: str) -> None:
    codes = await states(server_admin)
    assert {"held", "Paid", "open", "reserved", "needs_response", "submitting", "partially_refunded"} <= codes
    pages = Pages(settings)
    with speaking(language):
        words = {code: pages.environment.get_template("backoffice/marks.html").module.word_of(code) for code in codes}
    for code, word in words.items():
        assert word.strip() and "_" not in word, code
        assert word.isascii() == (language == "en"), f"{code} is called {word!r}"
