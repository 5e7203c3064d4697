"""Frozen dataclasses to plain JSON values and back, checked once at the edge.

The tick, the run and the commands meet in files; this is how a value gets in and out of one.
Plain code on purpose: a ledger may have a million lines and a supervisor must stay small, so
neither can afford a validation library. Supported: dataclasses, ``str int float bool None``,
``datetime`` (ISO 8601, UTC), string enums, ``X | None``, ``tuple[X, ...]``, ``dict[str, X]``,
``frozenset[str]`` and ``Json`` (anything). Members that are unknown are ignored, so that a newer
writer is understood; members that are missing take their default.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar

from symphony_cli.core.times import parse_stamp, stamp

Json = Any
"""A value that JSON can hold and that we pass through untouched."""

T = TypeVar("T")
Decoder = Callable[[Any], Any]


class Malformed(ValueError):
    """A value does not have the shape it should have; the text names the member."""


def encode(value: Any, *, full: bool = False) -> Json:
    """`value` as JSON can hold it.

    Members that equal their default are left out, unless `full`: our files are short, what a
    program reads from `--json` has every member.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, datetime):
        return stamp(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: encode(member, full=full)
            for name, default in _defaults(type(value))
            if (member := getattr(value, name)) != default or full or default is dataclasses.MISSING
        }
    if isinstance(value, Mapping):
        return {str(name): encode(member, full=full) for name, member in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [encode(member, full=full) for member in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    def default(field: dataclasses.Field[Any]) -> Any:
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        return field.default

    return tuple((field.name, default(field)) for field in dataclasses.fields(kind))


def decode(kind: type[T], data: Json) -> T:
    """A `kind` made from JSON `data`.

    Raises:
        Malformed: a member is missing or has another type; the text says which.
    """
    result: T = _decoder(typing.cast(Any, kind))(data)
    return result


@cache
def _decoder(kind: Any) -> Decoder:
    if isinstance(kind, NewType):
        return _decoder(kind.__supertype__)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in (Any, object):
        return _anything
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_decoder(kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(typing.cast(type, kind))
    return _generic_decoder(kind)


def _generic_decoder(kind: Any) -> Decoder:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        decode_inner = _decoder(inner)
        return lambda data: None if data is None else decode_inner(data)
    if origin in (tuple, frozenset):
        member = _decoder(arguments[0])
        return lambda data: origin(member(item) for item in _expect(data, list, "a list"))
    if origin in (dict, Mapping):
        value = _decoder(arguments[1])
        return lambda data: {
            name: value(item) for name, item in _expect(data, dict, "a map").items()
        }
    raise TypeError(f"no decoder for {kind}")


def _dataclass_decoder(kind: type) -> Decoder:
    hints = typing.get_type_hints(kind)
    members = tuple((name, _lazy(hints[name]), default) for name, default in _defaults(kind))

    def build(data: Any) -> Any:
        _expect(data, dict, "a map")
        values = {}
        for name, member, default in members:
            if name in data:
                try:
                    values[name] = member(data[name])
                except Malformed as error:
                    raise Malformed(f"{name}: {error}") from None
            elif default is dataclasses.MISSING:
                raise Malformed(f"{name} is missing")
        return kind(**values)

    return build


def _lazy(kind: Any) -> Decoder:
    """Resolve at first use, so that a type may contain itself."""
    if dataclasses.is_dataclass(kind):
        return lambda data: _decoder(typing.cast(Any, kind))(data)
    return _decoder(kind)


def _enum_decoder(kind: type[Enum]) -> Decoder:
    members = {member.value: member for member in kind}

    def build(data: Any) -> Any:
        if isinstance(data, str) and data in members:
            return members[data]
        raise Malformed(f"{data!r} is none of {', '.join(map(str, members))}")

    return build


def _expect(data: Any, kind: type, article: str) -> Any:
    if type(data) is not kind:
        raise Malformed(f"must be {article}, not {type(data).__name__}")
    return data


def _anything(data: Any) -> Any:
    return data


def _number(data: Any) -> float:
    """JSON as Python reads it has NaN and Infinity; a wait of that length would never be over."""
    try:
        number = float(data if type(data) is int else _expect(data, float, "a number"))
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Malformed(f"{number} is no number to go by")
    return number


def _moment(data: Any) -> datetime:
    try:
        return parse_stamp(_expect(data, str, "a date"))
    except ValueError as error:
        raise Malformed(f"{data!r} is no date") from error


_PLAIN: dict[Any, Decoder] = {
    str: lambda data: _expect(data, str, "text"),
    int: lambda data: _expect(data, int, "a whole number"),
    bool: lambda data: _expect(data, bool, "true or false"),
    float: _number,
    datetime: _moment,
    type(None): _anything,
}
