"""A stage for every test here."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.conftest import FreshDatabase, Server
from tests.simulation.stage import Stage


@pytest.fixture
def stage(fresh_database: FreshDatabase, server: Server) -> Stage:
    name = urlsplit(fresh_database.login_url).path.lstrip("/")
    return Stage(fresh_database.login_url, server.admin_url(name))
