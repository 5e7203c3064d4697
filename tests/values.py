"""Any value of a type: a hypothesis strategy for each of our frozen dataclasses and its members."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, NewType

from hypothesis import strategies as st

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

texts = st.text(max_size=12)
whole = st.integers(min_value=-(10**12), max_value=10**12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(min_value=0, max_value=10**13).map(
    lambda milliseconds: _FIRST + timedelta(milliseconds=milliseconds)
)
json_values = st.recursive(
    st.none() | st.booleans() | whole | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: whole,
    float: numbers,
    bool: st.booleans(),
    datetime: moments,
    Any: json_values,
    object: json_values,
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of `kind`, as deep as its type says."""
    return _values(kind)


@cache
def _values(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, NewType):
        return any_of(kind.__supertype__)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        members = {field.name: any_of(hints[field.name]) for field in dataclasses.fields(kind)}
        return st.builds(typing.cast(Any, kind), **members)
    return _generic(kind)


def _generic(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return st.none() | any_of(inner)
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(any_of(arguments[0]), max_size=3)
    if origin in (dict, Mapping):
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3)
    raise TypeError(f"no values for {kind}")
