"""The web application over a house. Building one takes a quarter of a second, so those that look the same are built once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar import Litestar

    from jklg.app import House
    from jklg.settings import Settings

_built: dict[Settings, Litestar] = {}


def front_of(house: House) -> Litestar:
    """Its doors. Doors that served another house are taken over once that one has closed: they keep nothing of it."""
    from jklg.app import create_app

    looks = replace(house.settings, database_url="", data_dir=Path())
    app = _built.get(looks)
    if app is None or not (app.state.house is house or app.state.house.db.pool.is_closing()):
        app = _built[looks] = create_app(house)
    app.state.house = house
    return app
