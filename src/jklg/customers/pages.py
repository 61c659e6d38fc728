"""The pages of customers: every sub-room's part of them. Overview and bookings are in bookings/accounts/pages.py, up the stairs."""

from __future__ import annotations

from litestar import Router

from jklg.customers.entering import pages as entering
from jklg.customers.factors import pages as factors
from jklg.customers.joining import pages as joining
from jklg.customers.leaving import pages as leaving
from jklg.customers.moving import pages as moving
from jklg.customers.profile import pages as profile
from jklg.customers.recovery import pages as recovery
from jklg.customers.security import pages as security

router = Router(
    path="/",
    route_handlers=[
        joining.router,
        entering.router,
        recovery.router,
        moving.router,
        profile.router,
        security.router,
        factors.router,
        leaving.router,
    ],
)
