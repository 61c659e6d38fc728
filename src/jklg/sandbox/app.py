"""The play bank over HTTP: a small JSON protocol for the shop, a test page for the payer, signed webhooks to the shop.

For the shop, with `Authorization: Bearer <key>`, JSON both ways, amounts in minor units:

    POST /v1/intents                {amount, currency, description?, email?, return_url?, metadata?, capture?: manual}
    GET  /v1/intents/{id}           the intent with its refunds
    GET  /v1/intents                ?created_from&created_to (Unix seconds) &limit &starting_after; newest first
    POST /v1/intents/{id}/cancel
    POST /v1/intents/{id}/capture   {amount, currency}: all that was set aside
    POST /v1/refunds                {intent, amount, metadata?}
    GET  /v1/refunds?intent=        GET /v1/balance
    GET  /v1/movements              ?from&to (Unix seconds) &limit &starting_after; newest first: every line of the shop's account
    GET  /v1/events                 ?created_from&created_to &limit &starting_after; newest first

`Idempotency-Key` is honoured on every POST, for 24 hours. Errors: {"error": {"code", "message"}}.
For the payer: GET and POST /pay/{id}?client_secret=…, in `pages`. For tests: /_faults and /_disputes, when they are enabled:

    POST /_disputes                 {intent, amount?, inquiry?}: the payer complains to her bank
    POST /_disputes/{id}/{what}     escalate, respond, win, lose
    POST /_payouts                  {currency}: what is there goes to the shop's bank
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, TypeVar

import httpx
import msgspec

from jklg.kit.clock import Clock
from jklg.kit.money import CURRENCIES, MAX_MINOR
from jklg.sandbox import account, keys, pages
from jklg.sandbox.bank import Bank, Work
from jklg.sandbox.deliveries import Postman
from jklg.sandbox.faults import AnswerLost, Faults, misbehave
from jklg.sandbox.http import (
    Answer,
    BodyTooLarge,
    Receive,
    Request,
    Scope,
    Send,
    json_answer,
    lifespan,
    read_request,
    send_answer,
    send_broken_answer,
)
from jklg.sandbox.storage import MemoryStorage, PostgresStorage, Storage
from jklg.sandbox.things import BankError, Dispute, Event, Intent

S = TypeVar("S")


class IntentBody(msgspec.Struct, forbid_unknown_fields=True):
    amount: int
    currency: str
    description: str = ""
    email: str = ""
    return_url: str = ""
    metadata: dict[str, str] = {}
    capture: str = "automatic"


class CaptureBody(msgspec.Struct, forbid_unknown_fields=True):
    amount: int
    currency: str


class DisputeBody(msgspec.Struct, forbid_unknown_fields=True):
    intent: str
    amount: int | None = None
    inquiry: bool = False


class PayoutBody(msgspec.Struct, forbid_unknown_fields=True):
    currency: str


class RefundBody(msgspec.Struct, forbid_unknown_fields=True):
    intent: str
    amount: int
    metadata: dict[str, str] = {}


def create_app(
    *,
    key: str,
    webhook_secret: str,
    webhook_url: str,
    faults_enabled: bool,
    public_url: str,
    database_url: str | None = None,
    clock: Clock | None = None,
    dice: Random | None = None,
    webhook_client: httpx.AsyncClient | None = None,
    storage: Storage | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> SandboxApp:
    """The ASGI application. `database_url`: where its things are kept; None keeps them in memory.

    With `dice` (a seeded Random) it is deterministic: ids are counted and nothing happens by itself; whoever drives it
    calls `deliver_due`. `webhook_client` delivers the webhooks, e.g. over httpx.ASGITransport into the house itself.
    `storage` can be kept by a test across a restart. ValueError for a live key.
    """
    if "live" in key:
        raise ValueError("the sandbox does not start with a live key")
    kept: Storage = storage or (PostgresStorage(database_url) if database_url else MemoryStorage())
    bank = Bank(kept, clock or Clock(), Faults(), dice, public_url.rstrip("/"))
    postman = Postman(bank, webhook_url, "Sandbox-Signature", webhook_secret, webhook_client)
    return SandboxApp(bank, key, postman, faults_enabled, sleep)


class SandboxApp:
    """The play bank as an ASGI application, with the bank and its postman inside."""

    def __init__(
        self,
        bank: Bank,
        key: str,
        postman: Postman,
        faults_enabled: bool,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.bank = bank
        self._key = key.encode()
        self._postman = postman
        self._faults_enabled = faults_enabled
        self._sleep = sleep

    @property
    def faults(self) -> Faults:
        """What goes wrong next. In process it may be changed directly."""
        return self.bank.faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, self._start, self.close)
        elif scope["type"] == "http":
            try:
                answer = await self._answer(await read_request(scope, receive))
            except BodyTooLarge:
                answer = error(413, "too_large")
            except AnswerLost:
                await send_broken_answer(send)
                raise
            await send_answer(send, answer)

    async def _answer(self, request: Request) -> Answer:
        try:
            if request.path.startswith("/pay/"):
                return await pages.answer(self.bank, request)
            if request.path == "/":
                return Answer(200, b"This is the play bank. No real money is here.\n", "text/plain; charset=utf-8")
            if not self._authorized(request):
                return error(401, "unauthorized", "Send the key: Authorization: Bearer <key>.")
            if request.path.startswith("/_faults") and self._faults_enabled:
                return await self._knobs(request)
            if request.path.startswith("/_disputes") and self._faults_enabled and request.method == "POST":
                return await self._disputes(request)
            if (request.method, request.path) == ("POST", "/_payouts") and self._faults_enabled:
                async with self.bank.work() as work:
                    return json_answer(200, account.pay_out(work, _decode(request.body, PayoutBody).currency))
            if request.path.startswith("/v1/"):
                return await misbehave(
                    self.bank.faults, request, lambda: self._api(request), error=error, sleep=self._sleep
                )
            return error(404, "no_such_path")
        except BankError as refusal:
            return error(refusal.status, refusal.code, refusal.message)

    def _authorized(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode(errors="replace")
        return hmac.compare_digest(given, b"Bearer " + self._key)

    async def _start(self) -> None:
        async with self.bank.work():
            pass  # read everything before the first call, and refuse to start when that fails
        if not self.bank.counted_ids:
            self._postman.start()

    # -- the shop's door -------------------------------------------------------------------------------------------

    async def _api(self, request: Request) -> Answer:
        try:
            match (request.method, *request.path.removeprefix("/v1/").split("/")):
                case ("POST", "intents"):
                    return await self._once(request, lambda work: _open_intent(work, request.body))
                case ("POST", "intents", id_, "cancel"):
                    return await self._once(request, lambda work: _cancel(work, id_))
                case ("POST", "intents", id_, "capture"):
                    return await self._once(request, lambda work: _capture(work, id_, request.body))
                case ("POST", "refunds"):
                    return await self._once(request, lambda work: _refund(work, request.body))
                case ("GET", *path):
                    async with self.bank.work() as work:
                        return json_answer(200, _read(work, path, request.query))
        except BankError as refusal:
            return error(refusal.status, refusal.code, refusal.message)
        return error(404, "no_such_path")

    async def _once(self, request: Request, verb: Callable[[Work], dict[str, Any]]) -> Answer:
        """Do it once per idempotency key. A replay is the saved answer, byte for byte; a refusal is not saved."""
        key = request.headers.get("idempotency-key", "")
        if len(key) > 255:
            raise BankError("idempotency_error", "The Idempotency-Key is longer than 255 characters.")
        fingerprint = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
        async with self.bank.work() as work:
            saved = keys.remembered(work, key) if key else None
            if saved is not None and saved.fingerprint != fingerprint:
                raise BankError("idempotency_error", "This Idempotency-Key was used with another request.")
            if saved is not None:
                return Answer(saved.status, saved.body.encode()).with_header("Idempotent-Replayed", "true")
            answer = json_answer(200, verb(work))
            if key:
                keys.remember(work, key, fingerprint, answer.status, answer.body.decode())
            return answer

    # -- the tests' door -------------------------------------------------------------------------------------------

    async def _knobs(self, request: Request) -> Answer:
        """GET /_faults: what is set. PUT: set exactly this. POST /_faults/release: let held webhooks go."""
        if request.method == "PUT":
            new = _decode(request.body, Faults)
            for name in new.__struct_fields__:
                setattr(self.bank.faults, name, getattr(new, name))
        elif request.method == "POST" and request.path == "/_faults/release":
            self.bank.faults.hold_webhooks = False
            async with self.bank.work() as work:
                return json_answer(200, {"released": work.release()})
        return json_answer(200, self.bank.faults)

    async def _disputes(self, request: Request) -> Answer:
        async with self.bank.work() as work:
            match request.path.split("/")[2:]:
                case []:
                    new = _decode(request.body, DisputeBody)
                    dispute = work.dispute(work.get(Intent, new.intent), new.amount, inquiry=new.inquiry)
                case [id_, "escalate"]:
                    work.escalate(dispute := work.get(Dispute, id_))
                case [id_, "respond"]:
                    work.respond(dispute := work.get(Dispute, id_))
                case [id_, ("win" | "lose") as ending]:
                    work.decide(dispute := work.get(Dispute, id_), won=ending == "win")
                case _:
                    raise BankError("no_such_path", "No such path.", 404)
            return json_answer(200, work.describe(dispute))

    async def deliver_due(self) -> int:
        """Do what is due now: late payments and refunds, and each notice once. How much was done."""
        return await self._postman.deliver_due()

    async def close(self) -> None:
        await self._postman.close()
        await self.bank.close()


def error(status: int, code: str, message: str = "") -> Answer:
    return json_answer(status, {"error": {"code": code, "message": message}})


def _open_intent(work: Work, body: bytes) -> dict[str, Any]:
    new = _decode(body, IntentBody)
    _amount(new.amount)
    if new.currency not in CURRENCIES:
        raise BankError("unknown_currency", "`currency` must be an ISO 4217 code in capitals.")
    if new.return_url and not new.return_url.startswith(("http://", "https://")):
        raise BankError("bad_return_url", "`return_url` must be an http or https address.")
    if len(new.metadata) > 50:
        raise BankError("too_much_metadata", "At most 50 entries of `metadata`.")
    if new.capture not in ("automatic", "manual"):
        raise BankError("bad_capture", "`capture` is automatic or manual.")
    intent = work.open_intent(
        new.amount, new.currency, new.description, new.email, new.return_url, new.metadata, new.capture
    )
    return work.describe(intent)


def _cancel(work: Work, id_: str) -> dict[str, Any]:
    intent = work.get(Intent, id_)
    work.cancel(intent)
    return work.describe(intent)


def _capture(work: Work, id_: str, body: bytes) -> dict[str, Any]:
    new = _decode(body, CaptureBody)
    intent = work.get(Intent, id_)
    if new.currency != intent.currency:
        raise BankError("other_currency", f"This payment is in {intent.currency}.")
    work.capture(intent, new.amount)
    return work.describe(intent)


def _refund(work: Work, body: bytes) -> dict[str, Any]:
    new = _decode(body, RefundBody)
    _amount(new.amount)
    return work.describe(work.refund(work.get(Intent, new.intent), new.amount, new.metadata))


def _read(work: Work, path: Sequence[str], query: dict[str, str]) -> dict[str, Any]:
    match path:
        case ["intents", id_]:
            return work.describe(work.get(Intent, id_))
        case ["intents"]:
            low, high = _number(query, "created_from", 0), _number(query, "created_to", 10**11)
            found = [i for i in reversed(work.all(Intent)) if low <= int(i.created_at.timestamp()) <= high]
            page, more = _page(found, query)
            return {"object": "list", "data": [work.describe(intent) for intent in page], "has_more": more}
        case ["refunds"]:
            page, more = _page(list(reversed(work.refunds_of(query.get("intent", "")))), query)
            return {"object": "list", "data": [work.describe(refund) for refund in page], "has_more": more}
        case ["events"]:
            low, high = _number(query, "created_from", 0), _number(query, "created_to", 10**11)
            told = [e for e in reversed(work.all(Event)) if low <= int(e.created_at.timestamp()) <= high]
            page, more = _page(told, query)
            data = [{**msgspec.json.decode(e.body), "delivery": e.delivery, "attempts": e.attempts} for e in page]
            return {"object": "list", "data": data, "has_more": more}
        case ["movements"]:
            if set(query) - {"from", "to", "limit", "starting_after"}:
                raise BankError("bad_parameter", "Movements are asked for by from, to, limit and starting_after.")
            low, high = _number(query, "from", 0), _number(query, "to", 10**11)
            lines = [line for line in reversed(account.lines(work)) if low <= int(line.at.timestamp()) <= high]
            page, more = _page(lines, query)
            return {"object": "list", "data": [account.describe(work, line) for line in page], "has_more": more}
        case ["balance"]:
            return {"object": "balance", "currencies": work.balance()}
    raise BankError("no_such_path", "No such path.", 404)


def _page(found: Sequence[Any], query: dict[str, str]) -> tuple[Sequence[Any], bool]:
    limit = min(max(_number(query, "limit", 10), 1), 100)
    after = query.get("starting_after")
    start = 0
    if after:
        start = next((n + 1 for n, thing in enumerate(found) if thing.id == after), -1)
        if start < 0:
            raise BankError("bad_cursor", "`starting_after` is not in this list.")
    return found[start : start + limit], len(found) > start + limit


def _number(query: dict[str, str], name: str, default: int) -> int:
    raw = query.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 12):
        raise BankError("bad_parameter", f"`{name}` must be a whole number.")
    return int(raw)


def _amount(amount: int) -> None:
    if not 0 < amount <= MAX_MINOR:
        raise BankError("bad_amount", "`amount` must be a positive number of minor units.")


def _decode(body: bytes, type_: type[S]) -> S:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BankError("bad_request", str(problem)) from problem
