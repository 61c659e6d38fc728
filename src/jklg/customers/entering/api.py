"""The JSON door of entering: sign in, second factor, passkey, sessions, prove, sign out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from jklg.customers import entering
from jklg.customers.answers import Email, Message, Password
from jklg.customers.guard import address_of, visitor
from jklg.customers.queries import Customer
from jklg.kit.errors import BadInput, Forbidden
from jklg.kit.languages import gettext as _

Ask = Request[Any, Any, State]
Token = Annotated[str, msgspec.Meta(max_length=2000)]


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Email
    password: Password


class MfaToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    mfa_token: Token


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """`code` for `totp` and `recovery_code`, `credential` for `passkey`."""

    mfa_token: Token
    method: Literal["totp", "recovery_code", "passkey"]
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    credential: dict[str, Any] | None = None


class Passkey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: Token
    credential: dict[str, Any]


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What signing in takes: the password, where there is one; a code of the second factor, where one is on."""

    password: Password | None = None
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Welcome(msgspec.Struct, kw_only=True, rename={"customer_id": "customerId"}):
    """Signed in. The token goes into `Authorization: Bearer`."""

    customer_id: UUID
    token: str
    customer: Customer


class OneStepMore(msgspec.Struct, kw_only=True, rename="camel"):
    """The password was right; a second factor must follow."""

    mfa_required: Literal[True]
    mfa_token: str
    methods: list[str]


class Challenge(msgspec.Struct, kw_only=True):
    """What `navigator.credentials.get` needs, and the token to bring back."""

    token: str
    options: dict[str, Any]


class Options(msgspec.Struct, kw_only=True):
    options: dict[str, Any]


class SessionOut(msgspec.Struct, kw_only=True):
    """One signed-in device. `current`: the one that asks. Times in UTC."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str
    device_info: str
    signed_in_by: str
    current: bool


class Sessions(msgspec.Struct, kw_only=True):
    sessions: list[SessionOut]


@post("/login", status_code=200, summary="Sign in")
async def login(request: Ask, data: JSONBody[Credentials]) -> Response[Welcome | OneStepMore]:
    """401 `invalid_credentials`. After the right password only: 403 `email_not_verified` with `customerId`, 403 `account_not_active`."""
    house = request.app.state.house
    try:
        found = await entering.sign_in(
            house.db,
            house.settings,
            email=data.email.strip(),
            password=data.password,
            address=address_of(request),
            user_agent=_agent(request),
        )
    except Forbidden as refusal:
        if refusal.code != "email_not_verified" or refusal.details is None:
            raise
        return _unverified(refusal, refusal.details)
    if isinstance(found, entering.SecondFactorNeeded):
        return Response(OneStepMore(mfa_required=True, mfa_token=found.token, methods=found.methods))
    return Response(_welcome(found))


@post("/login/second-factor", status_code=200, summary="Sign in: the second factor")
async def second_factor(request: Ask, data: JSONBody[SecondFactor]) -> Welcome:
    house = request.app.state.house
    answer = data.credential if data.method == "passkey" else data.code
    if answer is None:
        field = "credential" if data.method == "passkey" else "code"
        raise BadInput(
            "missing_field", _("The field {field} is missing.").format(field=field), details={"field": field}
        )
    return _welcome(
        await entering.answer_second_factor(
            house.db,
            house.settings,
            token=data.mfa_token,
            method=data.method,
            answer=answer,
            address=address_of(request),
            user_agent=_agent(request),
        )
    )


@post("/login/second-factor/options", status_code=200, summary="Sign in: what a passkey needs as second factor")
async def second_factor_options(request: Ask, data: JSONBody[MfaToken]) -> Options:
    house = request.app.state.house
    return Options(options=await entering.second_factor_options(house.db, house.settings, data.mfa_token))


@post("/passkey/options", status_code=200, summary="Sign in by passkey: what the browser needs")
async def passkey_options(request: Ask) -> Challenge:
    house = request.app.state.house
    token, options = await entering.begin_passkey(house.db, house.settings, address_of(request))
    return Challenge(token=token, options=options)


@post("/passkey", status_code=200, summary="Sign in by passkey")
async def passkey(request: Ask, data: JSONBody[Passkey]) -> Welcome:
    house = request.app.state.house
    return _welcome(
        await entering.finish_passkey(
            house.db,
            house.settings,
            token=data.token,
            credential=data.credential,
            address=address_of(request),
            user_agent=_agent(request),
        )
    )


@post("/prove", status_code=200, summary="Prove once more that it is you")
async def prove(request: Ask, data: JSONBody[Proof]) -> Message:
    """400 `proof_missing` with what is `needed`: the password, a code of the second factor, or both. A passkey is enough alone. For 15 minutes e-mail, password and factors may be changed in this session."""
    house = request.app.state.house
    who = visitor(request)
    await entering.prove(
        house.db, house.settings, who, password=data.password, code=data.code, address=address_of(request)
    )
    return Message(message="Thank you.")


@post("/logout", status_code=200, summary="Sign out")
async def logout(request: Ask) -> Message:
    await entering.sign_out(request.app.state.house.db, visitor(request))
    return Message(message="You are signed out.")


@get("/sessions", summary="Where you are signed in")
async def list_sessions(request: Ask) -> Sessions:
    who = visitor(request)
    found = await entering.list_sessions(request.app.state.house.db, who)
    return Sessions(
        sessions=[
            SessionOut(**msgspec.structs.asdict(session), current=session.id == who.session_id) for session in found
        ]
    )


@delete("/sessions/{session_id:str}", status_code=200, summary="Sign one device out")
async def end_session(request: Ask, session_id: FromPath[str]) -> Message:
    """404 `session_not_found`, also for somebody else's."""
    who = visitor(request)
    try:
        wanted = UUID(session_id)
    except ValueError:
        wanted = UUID(int=0)
    await entering.end_session(request.app.state.house.db, who, wanted)
    return Message(message="That device is signed out.")


@delete("/sessions", status_code=200, summary="Sign all other devices out")
async def end_other_sessions(request: Ask) -> Message:
    await entering.end_other_sessions(request.app.state.house.db, visitor(request))
    return Message(message="All other devices are signed out.")


def _unverified(refusal: Forbidden, known: dict[str, object]) -> Response[Any]:
    """The older client reads these names beside `error`, to offer the mail once more."""
    body = {"error": refusal.sentence, "code": refusal.code, "requiresVerification": True, **known}
    return Response(body, status_code=refusal.status)


def _welcome(found: entering.SignedIn) -> Welcome:
    return Welcome(customer_id=found.customer.id, token=found.token, customer=found.customer)


def _agent(request: Ask) -> str:
    return request.headers.get("user-agent", "")


handlers: list[Any] = [
    login, second_factor, second_factor_options, passkey_options, passkey, prove, logout, list_sessions, end_session,
    end_other_sessions,
]  # fmt: skip
