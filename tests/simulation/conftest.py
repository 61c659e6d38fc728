"""A stage for every test here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import FreshDatabase, Server
from tests.simulation.stage import Stage, open_stage


@pytest.fixture(scope="session")
def anyio_backend() -> Any:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def stage(fresh_database: FreshDatabase, server: Server) -> AsyncIterator[Stage]:
    name = urlsplit(fresh_database.login_url).path.lstrip("/")
    async with open_stage(fresh_database.login_url, server.admin_url(name)) as opened:
        yield opened
