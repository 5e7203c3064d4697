"""Whether a value has the shape that a JSON Schema asks for: as much of draft 7 as Codex uses."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def misfits(value: Any, schema: dict[str, Any]) -> list[str]:
    """What does not fit, each with its place; nothing when the value fits."""
    return list(_misfits(value, schema, schema.get("definitions", {}), "$"))


def _misfits(value: Any, schema: Any, types: dict[str, Any], place: str) -> list[str]:
    if isinstance(schema, bool):
        return [] if schema else [f"{place} must not be there"]
    if "$ref" in schema:
        return _misfits(value, types[schema["$ref"].rpartition("/")[2]], types, place)
    found = _of_type(value, schema, place)
    for part in schema.get("allOf", []):
        found += _misfits(value, part, types, place)
    for choices in (schema[word] for word in ("oneOf", "anyOf") if word in schema):
        tried = [_misfits(value, choice, types, place) for choice in choices]
        if all(tried):
            found.append(f"{place} is none of its choices: {value!r}")
    if isinstance(value, dict):
        found += _members(value, schema, types, place)
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            found += _misfits(one, schema["items"], types, f"{place}[{number}]")
    return found


def _of_type(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    named = schema.get("type", list(_TYPES))
    names = [named] if isinstance(named, str) else named
    fits = any(isinstance(value, _TYPES[name]) for name in names)
    if isinstance(value, bool) and "boolean" not in names:
        fits = False
    found = [] if fits else [f"{place} is no {' or '.join(names)}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place} is none of {schema['enum']}: {value!r}")
    return found


def _members(
    value: dict[str, Any], schema: dict[str, Any], types: dict[str, Any], place: str
) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{place} has no {name}" for name in schema.get("required", []) if name not in value]
    for name, one in value.items():
        other = schema.get("additionalProperties", True)
        found += _misfits(one, known.get(name, other), types, f"{place}.{name}")
    return found
