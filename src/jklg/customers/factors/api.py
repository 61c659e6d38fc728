"""The JSON door of factors. Every change needs a fresh proof: 403 `proof_needed` otherwise."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
import segno
from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from jklg.customers import factors
from jklg.customers.answers import Message
from jklg.customers.factors import Factors, PasskeySeen
from jklg.customers.guard import visitor

Ask = Request[Any, Any, State]
Token = Annotated[str, msgspec.Meta(max_length=2000)]


class TotpOut(msgspec.Struct, kw_only=True):
    """Shown once. The QR code is SVG and says the same as `otpauth_url`."""

    secret: str
    otpauth_url: str
    qr_svg: str


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(max_length=100)]


class RecoveryCodes(msgspec.Struct, kw_only=True):
    """Shown once; each is good once."""

    recovery_codes: list[str]


class Challenge(msgspec.Struct, kw_only=True):
    """What `navigator.credentials` needs, and the token to bring back within five minutes."""

    token: str
    options: dict[str, Any]


class NewPasskey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: Token
    credential: dict[str, Any]
    name: Annotated[str, msgspec.Meta(max_length=200)]


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: Token
    credential: dict[str, Any]


@get("/factors", summary="What opens your account")
async def list_factors(request: Ask) -> Factors:
    return await factors.list_factors(request.app.state.house.db, visitor(request))


@post("/factors/totp", status_code=200, summary="Begin to use an authenticator app")
async def begin_totp(request: Ask) -> TotpOut:
    """409 `totp_is_on`. Nothing changes before a code confirms it."""
    house = request.app.state.house
    begun = await factors.begin_totp(house.db, house.settings, visitor(request))
    picture = segno.make(begun.otpauth_url, error="m").svg_inline(scale=5, border=4, light="#ffffff", dark="#000000")
    return TotpOut(secret=begun.secret, otpauth_url=begun.otpauth_url, qr_svg=picture)


@post("/factors/totp/confirm", status_code=200, summary="Turn the authenticator app on")
async def confirm_totp(request: Ask, data: JSONBody[Code]) -> RecoveryCodes:
    """409 `totp_not_begun`, 400 `code_wrong`."""
    house = request.app.state.house
    return RecoveryCodes(
        recovery_codes=await factors.confirm_totp(house.db, house.settings, visitor(request), data.code)
    )


@delete("/factors/totp", status_code=200, summary="Remove the authenticator app")
async def remove_totp(request: Ask) -> Message:
    """404 `totp_not_found`."""
    house = request.app.state.house
    await factors.remove_totp(house.db, house.settings, visitor(request))
    return Message(message="Your authenticator app is removed.")


@post("/factors/recovery-codes", status_code=200, summary="Make new recovery codes")
async def make_recovery_codes(request: Ask) -> RecoveryCodes:
    """Older ones stop working. 409 `no_second_factor`. With passkeys only: from now on a password is followed by one of the two."""
    house = request.app.state.house
    return RecoveryCodes(recovery_codes=await factors.make_recovery_codes(house.db, house.settings, visitor(request)))


@delete("/factors/recovery-codes", status_code=200, summary="Remove the recovery codes")
async def remove_recovery_codes(request: Ask) -> Message:
    """409 `totp_is_on`, 409 `no_password`, 404 `recovery_codes_not_found`."""
    house = request.app.state.house
    await factors.remove_recovery_codes(house.db, house.settings, visitor(request))
    return Message(message="Your recovery codes are removed.")


@post("/factors/passkeys/options", status_code=200, summary="Begin to add a passkey")
async def begin_passkey(request: Ask) -> Challenge:
    """409 `too_many_passkeys`."""
    house = request.app.state.house
    token, options = await factors.begin_passkey(house.db, house.settings, visitor(request))
    return Challenge(token=token, options=options)


@post("/factors/passkeys", status_code=201, summary="Add a passkey")
async def add_passkey(request: Ask, data: JSONBody[NewPasskey]) -> PasskeySeen:
    """400 `passkey_refused`: made for something else, too late, or known already."""
    house = request.app.state.house
    return await factors.add_passkey(
        house.db, house.settings, visitor(request), token=data.token, credential=data.credential, name=data.name
    )


@delete("/factors/passkeys/{passkey_id:str}", status_code=200, summary="Remove a passkey")
async def remove_passkey(request: Ask, passkey_id: FromPath[str]) -> Message:
    """404 `passkey_not_found`, also for somebody else's; 409 `no_password` for the last one of an account without a password."""
    house = request.app.state.house
    try:
        wanted = UUID(passkey_id)
    except ValueError:
        wanted = UUID(int=0)
    await factors.remove_passkey(house.db, house.settings, visitor(request), wanted)
    return Message(message="That passkey is removed.")


@post("/factors/passkeys-only", status_code=200, summary="Sign in by passkey only: the password goes")
async def drop_password(request: Ask) -> Message:
    """409 `passkey_needed`, 409 `recovery_codes_needed`. The way back is a new password through your mailbox, and a recovery code."""
    house = request.app.state.house
    await factors.drop_password(house.db, house.settings, visitor(request))
    return Message(message="Your account has no password any more. Your passkeys open it.")


@post("/prove/passkey/options", status_code=200, summary="Prove by passkey that it is you: what the browser needs")
async def begin_passkey_proof(request: Ask) -> Challenge:
    house = request.app.state.house
    token, options = await factors.begin_passkey_proof(house.db, house.settings, visitor(request))
    return Challenge(token=token, options=options)


@post("/prove/passkey", status_code=200, summary="Prove by passkey that it is you")
async def finish_passkey_proof(request: Ask, data: JSONBody[Signature]) -> Message:
    """401 `passkey_wrong`, 401 `passkey_expired`. For 15 minutes e-mail, password and factors may be changed in this session."""
    house = request.app.state.house
    await factors.finish_passkey_proof(house.db, house.settings, visitor(request), data.token, data.credential)
    return Message(message="Thank you.")


handlers: list[Any] = [
    list_factors, begin_totp, confirm_totp, remove_totp, make_recovery_codes, remove_recovery_codes, begin_passkey, add_passkey,
    remove_passkey, drop_password, begin_passkey_proof, finish_passkey_proof,
]  # fmt: skip
