"""Request bodies, read strictly: a JSON body is exactly the struct its handler names, a form is text without surprises."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import URL, State
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException

from jklg.kit.errors import BadInput, Malformed, Refusal, TooLarge
from jklg.kit.languages import gettext as _

MAX_BYTES = 1024 * 1024
MOST_BYTES = "most_bytes"
"""The `opt` of a door that takes larger bodies than `MAX_BYTES`; it says so to Litestar as well (`request_max_body_size`)."""
MAX_FIELDS = 2000
_WHERE = re.compile(r" - at `\$?\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
_MISSING = re.compile(r"missing required field `(.*?)`")


class UnsupportedBody(Refusal):
    status = 415


class StrictRequest(Request[Any, Any, State]):
    """Decodes a JSON body straight into the type of the handler's `data`: no coercion, unknown fields refused by the struct."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._whole: bytes | None = None

    @property
    def url(self) -> URL:
        """What was asked for: path and query. Nothing of the Host header, which may be anything (`x:99999`); Litestar reads this for its refusals."""
        return URL.from_components(path=self.scope["path"], query=self.scope["query_string"].decode("latin-1"))

    @property
    def base_url(self) -> URL:
        return URL.from_components(path="/")

    async def body(self) -> bytes:
        """The raw body, counted while it streams in. TooLarge beyond `MAX_BYTES`, or beyond what the door takes; Malformed (incomplete)
        when the client hangs up."""
        if self._whole is None:
            parts: list[bytes] = []
            handler = self.scope.get("route_handler")
            most = handler.opt.get(MOST_BYTES, MAX_BYTES) if handler is not None else MAX_BYTES
            size, more = 0, True
            while more:
                message: Any = await self.receive()
                if message["type"] == "http.disconnect":
                    raise Malformed("incomplete", "The request ended before its body did.")
                part = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise TooLarge("too_large", "The body is larger than we accept.")
                parts.append(part)
                more = message.get("more_body", False)
            self._whole = b"".join(parts)
        return self._whole

    async def json(self) -> Any:
        sent = next((value for name, value in self.scope["headers"] if name == b"content-type"), b"")
        kind = sent.partition(b";")[0].strip().lower()
        if kind and kind != b"application/json" and not kind.endswith(b"+json"):
            raise UnsupportedBody("unsupported_media_type", "Please send JSON, with Content-Type: application/json.")
        body = await self.body()
        if not body:
            raise BadInput("missing_body", "Something is missing from this request.")
        parameter = self.route_handler.parsed_fn_signature.parameters.get("data")
        return decode(body, parameter.annotation if parameter else Any)


def decode(body: bytes, type_: Any) -> Any:
    """A JSON body as `type_`. Malformed (malformed_json); BadInput (unknown_field, missing_field, wrong_type, invalid_character)."""
    try:
        value = _decoder(type_).decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("malformed_json", "The body is not JSON that we can read.", log=str(error)) from error
    if b"\\u0000" in body:
        raise BadInput("invalid_character", "The body contains a null character, which no field may hold.")
    return value


@lru_cache(256)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _refusal(message: str) -> BadInput:
    """msgspec's sentence, e.g. 'Expected `int`, got `str` - at `$.party[...]`', as ours."""
    where = _WHERE.search(message)
    path = where.group(1) if where else ""
    what = _WHERE.sub("", message)
    if unknown := _UNKNOWN.search(what):
        field = f"{path}.{unknown.group(1)}" if path else unknown.group(1)
        return BadInput(
            "unknown_field", _("We do not know the field {field}.").format(field=field), details={"field": field}
        )
    if missing := _MISSING.search(what):
        field = f"{path}.{missing.group(1)}" if path else missing.group(1)
        return BadInput(
            "missing_field", _("The field {field} is missing.").format(field=field), details={"field": field}
        )
    sentence = f"{what.replace('`', '')}{f', in the field {path}' if path else ''}."
    return BadInput("wrong_type", sentence, details={"field": path, "problem": what.replace("`", "")})


UNREADABLE = (HTTPException, ValueError, LookupError)
"""What Litestar raises when it cannot read a form in parts. LookupError: a part is in an encoding that nobody knows."""


async def read_upload(request: Request[Any, Any, State], name: str) -> tuple[dict[str, str], bytes]:
    """The text fields of a form with a file, and the file called `name`; nothing where there is none."""
    kind, _ = request.content_type
    if kind != RequestEncodingType.MULTI_PART:
        return await read_form(request), b""
    try:
        sent = await request.form()
    except UNREADABLE as error:
        if isinstance(error, HTTPException) and error.status_code == 413:
            raise TooLarge("too_large", "The body is larger than we accept.") from error
        raise Malformed("malformed_form", "We could not read this form.", log=str(error)) from error
    file = sent.get(name)
    content: bytes = await file.read() if file is not None and hasattr(file, "read") else b""
    texts = {field: value for field, value in sent.items() if isinstance(value, str)}
    return {field: value.replace("\0", "").replace("\r\n", "\n") for field, value in texts.items()}, content


async def read_form(request: Request[Any, Any, State]) -> dict[str, str]:
    """A submitted HTML form; of a repeated field the last value. Null characters are dropped, line ends are newlines."""
    kind, _ = request.content_type
    if kind and kind != RequestEncodingType.URL_ENCODED:
        raise UnsupportedBody("unsupported_media_type", "This form was sent in a way we do not read.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace"
        )
    except ValueError as error:
        raise Malformed("malformed_form", "We could not read this form.", log=str(error)) from error
    return {name.replace("\0", ""): value.replace("\0", "").replace("\r\n", "\n") for name, value in pairs}
