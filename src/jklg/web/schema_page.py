"""The API described at /schema: the document itself, and a page to read it and try it, without a script from elsewhere."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

METHODS = ("get", "post", "put", "patch", "delete")


class SchemaJson(OpenAPIRenderPlugin):
    """The OpenAPI document."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, media_type=MediaType.JSON, favicon="", style="")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return msgspec.json.encode(_with_refusals(openapi_schema))


class SchemaPage(OpenAPIRenderPlugin):
    """The same for people."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, media_type=MediaType.HTML, favicon="", style="")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        body: bytes = request.app.state.pages.render(
            "web/schema.html", request.scope, info=openapi_schema["info"], groups=_groups(openapi_schema)
        )
        return body


REFUSAL = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for people; may be reworded."},
        "code": {"type": "string", "description": "A word for programs; never changes."},
        "details": {
            "type": "object",
            "description": "What helps to put it right, e.g. the field.",
            "additionalProperties": True,
        },
    },
}


def _with_refusals(schema: dict[str, Any]) -> dict[str, Any]:
    """The document with our one shape of refusals at every operation, in place of the framework's own."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    refused = {
        "4XX": {"description": "Refused; `code` says why.", "content": content},
        "5XX": {"description": "Not now, or our fault. 503 may be asked again.", "content": content},
    }
    components = schema.get("components", {})
    paths = {
        path: {
            name: {**operation, "responses": {**_fine(operation), **refused}} if name in METHODS else operation
            for name, operation in item.items()
        }
        for path, item in schema.get("paths", {}).items()
    }
    schemas = {**components.get("schemas", {}), "Refusal": REFUSAL}
    return {**schema, "paths": paths, "components": {**components, "schemas": schemas}}


def _fine(operation: dict[str, Any]) -> dict[str, Any]:
    return {status: answer for status, answer in operation.get("responses", {}).items() if status < "4"}


def _groups(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every operation under its first tag, with its parameters and an example of its body."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in schema.get("paths", {}).items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = _example(content.get("schema", {}), schema, 0) if content else None
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(
                {
                    "id": operation.get("operationId", f"{method}{path}"),
                    "method": method.upper(),
                    "path": path,
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", ""),
                    "parameters": operation.get("parameters", []),
                    "body": None if body is None else msgspec.json.format(msgspec.json.encode(body), indent=2).decode(),
                }
            )
    return groups


def _example(of: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    """A body of the right shape; what is optional is shown when it is simple."""
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return _example(schema["components"]["schemas"].get(name, {}), schema, depth)
    for choice in of.get("oneOf") or of.get("anyOf") or []:
        if choice.get("type") != "null":
            return _example(choice, schema, depth)
    if of.get("properties"):
        needed = of.get("required", [])
        return {
            name: _example(inner, schema, depth + 1)
            for name, inner in of["properties"].items()
            if name in needed or depth == 0
        }
    kinds = of.get("type", "string")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        return {"adult": 2} if "additionalProperties" in of else {}
    if kind == "string":
        return {"uuid": "00000000-0000-0000-0000-000000000000", "date": "2027-05-12"}.get(of.get("format", ""), "")
    return {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}.get(kind)
