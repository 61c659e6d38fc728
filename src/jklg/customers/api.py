"""The JSON door of customers: every sub-room's part of it, under one address. Missing and malformed fields are 400 here."""

from __future__ import annotations

from litestar import Router

from jklg.customers.entering import api as entering
from jklg.customers.factors import api as factors
from jklg.customers.joining import api as joining
from jklg.customers.leaving import api as leaving
from jklg.customers.moving import api as moving
from jklg.customers.profile import api as profile
from jklg.customers.recovery import api as recovery
from jklg.web.errors import BAD_INPUT_IS_400

router = Router(
    path="/api/customers",
    route_handlers=[
        *joining.handlers,
        *entering.handlers,
        *recovery.handlers,
        *moving.handlers,
        *profile.handlers,
        *leaving.handlers,
        *factors.handlers,
    ],
    tags=["customers"],
    opt=BAD_INPUT_IS_400,
)
