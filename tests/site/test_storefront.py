"""The pages a visitor looks at before booking: what is on them is what there is, in the address and on the screen."""

from __future__ import annotations

import httpx

from jklg import demo
from jklg.kit.db import Database


async def test_a_place_has_a_page_of_its_own(client: httpx.AsyncClient, db: Database) -> None:
    """It had none: a macro of the layout was called `place` as well, and hid the place from its page."""
    await demo.load(db)
    shown = await client.get("/destinations/pangong-lake")
    assert shown.status_code == 200
    assert "<h1>Pangong Lake</h1>" in shown.text
    assert "4,225" in shown.text
