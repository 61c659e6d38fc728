"""Reads a form as Stripe does and holds it against the parameter types that Stripe's own SDK publishes."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

import stripe._request_options as request_options
from typing_extensions import is_typeddict


class BadParam(Exception):
    def __init__(self, code: str, message: str, param: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def decode(form: str) -> dict[str, Any]:
    """`a[b]=c` and `a[0]=c` as nested dicts; every leaf is a string. BadParam for a key given twice or half a bracket."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)):
        head, *rest = name.replace("]", "").split("[")
        if name.count("[") != name.count("]"):
            raise BadParam("parameter_invalid", f"Invalid name {name}", name)
        here = params
        path = [head, *rest]
        for part in path[:-1]:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise BadParam("parameter_invalid", f"{name} is a value and a hash", name)
        if path[-1] in here:
            raise BadParam("parameter_invalid", f"{name} is given twice", name)
        here[path[-1]] = value
    return params


def check(params: dict[str, Any], published: type) -> dict[str, Any]:
    """The params with their published types (whole numbers as int, flags as bool). BadParam otherwise."""
    return _typed_dict(params, published, "")


def _typed_dict(params: dict[str, Any], published: type, where: str) -> dict[str, Any]:
    hints = _hints(published)
    for name in params:
        if name not in hints:
            raise BadParam("parameter_unknown", f"Received unknown parameter: {where}{name}", where + name)
    for name in hints:
        if name in published.__required_keys__ and name not in params:  # type: ignore[attr-defined]
            raise BadParam("parameter_missing", f"Missing required param: {where}{name}.", where + name)
    return {name: _value(value, hints[name], f"{where}{name}") for name, value in params.items()}


def _hints(published: type) -> dict[str, Any]:
    names = dict(vars(sys.modules[published.__module__])) | vars(request_options) | {"StripeContext": Any, "Any": Any}
    hints = typing.get_type_hints(published, names)
    for option in request_options.RequestOptions.__annotations__:
        hints.pop(option, None)
    return hints


def _value(value: Any, wanted: Any, param: str) -> Any:
    origin, args = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        closed = [each for each in args if get_origin(each) is Literal]
        for each in args:
            # `Literal[...] | str` is the SDK's way to say "an enum that may grow": what we send must be known today.
            if each is str and closed and value not in [word for each_ in closed for word in get_args(each_)]:
                continue
            try:
                return _value(value, each, param)
            except BadParam:
                continue
        raise BadParam("parameter_invalid", f"Invalid {param}: {value!r}", param)
    if wanted is Any:
        return value
    if origin is Literal and value in args:
        return value
    if is_typeddict(wanted) and isinstance(value, dict):
        return _typed_dict(value, wanted, f"{param}.")
    if origin in (list, typing.List) and isinstance(value, dict):  # noqa: UP006
        if list(value) != [str(n) for n in range(len(value))]:
            raise BadParam("parameter_invalid", f"Invalid array: {param}", param)
        return [_value(each, args[0], param) for each in value.values()]
    if origin in (dict, typing.Dict) and isinstance(value, dict):  # noqa: UP006
        return {name: _value(each, args[1], f"{param}.{name}") for name, each in value.items()}
    if wanted is str and isinstance(value, str):
        return value
    if wanted is bool and value in ("true", "false"):
        return value == "true"
    if wanted is int and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if wanted is int:
        raise BadParam("parameter_invalid_integer", f"Invalid integer: {value}", param)
    raise BadParam("parameter_invalid", f"Invalid {param}: {value!r}", param)
