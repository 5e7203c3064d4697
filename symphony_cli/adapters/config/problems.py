"""What is wrong with a front matter, or only odd, in words for the person who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from symphony_cli.adapters.config.root import Config
from symphony_cli.adapters.config.section import Effect, Section
from symphony_cli.adapters.config.tracker import PROVIDER_KEYS
from symphony_cli.adapters.frontmatter import Document
from symphony_cli.errors import ConfigError

_LONGEST_SHOWN = 60
_ALIKE = 0.75
_KINDS = {
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


def facts(field: FieldInfo) -> Mapping[str, Any]:
    """Unit, effect and the rest that `section.key` noted about a key."""
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def validated(document: Document) -> Config:
    """The settings of a WORKFLOW.md.

    Raises:
        ConfigError: names the file and, for each fault, its line and key.
    """
    front = _without_provider(document)
    try:
        return Config.model_validate(front)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = sorted({_told(document, fault) for fault in faults})
        text = "; ".join(sentence for _, sentence in told)
        raise ConfigError(f"{document.path}, {text}.") from error


def _without_provider(document: Document) -> dict[str, object]:
    """Flat form of `tracker.provider`: the keys we know move up, the others stay."""
    tracker = document.front.get("tracker")
    if not isinstance(tracker, dict) or not isinstance(tracker.get("provider"), dict):
        return document.front
    provider = {name: item for name, item in tracker["provider"].items() if item is not None}
    flat = {name: value for name, value in tracker.items() if name != "provider"}
    for name in sorted(PROVIDER_KEYS.intersection(provider)):
        if name in flat and flat[name] != provider[name]:
            line = document.line(("tracker", "provider", name))
            raise ConfigError(
                f"{document.path}, line {line}: tracker.provider.{name} differs from"
                f" tracker.{name}; keep one of them."
            )
        flat[name] = provider[name]
    rest = {name: value for name, value in provider.items() if name not in PROVIDER_KEYS}
    return {**document.front, "tracker": {**flat, "provider": rest}}


def place(document: Document, where: tuple[str | int, ...]) -> tuple[int, str]:
    """Line and full name of a key, also when it stands below `tracker.provider`."""
    tracker = document.front.get("tracker")
    moved = (
        len(where) > 1
        and where[0] == "tracker"
        and isinstance(tracker, dict)
        and where[1] not in tracker
        and where[1] in PROVIDER_KEYS.intersection(tracker.get("provider") or ())
    )
    path = ("tracker", "provider", *where[1:]) if moved else where
    name = ""
    for step in path:
        name += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return document.line(path), name.removeprefix(".")


def _told(document: Document, fault: ErrorDetails) -> tuple[int, str]:
    where = tuple(fault["loc"])
    line, name = place(document, where)
    return line, f"line {line}: {name} {_message(where, fault)}"


def _message(where: tuple[str | int, ...], fault: ErrorDetails) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        text = f"{words} {_number(context[name])}"
    elif kind == "literal_error":
        text = f"must be {context['expected']}"
    else:
        text = _KINDS.get(kind, "cannot be used")
    hint = " (put it in quotes)" if kind == "string_type" and _is_scalar(fault["input"]) else ""
    return f"{text}, not {_shown(where, fault['input'])}{hint}"


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _is_scalar(value: object) -> bool:
    return not isinstance(value, dict | list)


def _shown(where: tuple[str | int, ...], value: object) -> str:
    if where[:2] == ("tracker", "api_key"):
        return "what is there"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def oddities(document: Document, config: Config) -> tuple[str, ...]:
    """Keys that are not ours, and keys that nothing follows from yet, each with its line."""
    told = [*_strangers((), config, document)]
    for name in config.model_fields_set:
        section = getattr(config, name)
        if isinstance(section, Section):
            told += _strangers((name,), section, document)
            told += _idle(name, section, document)
    told += [
        _stranger(("tracker", "provider", name), (), document) for name in config.tracker.provider
    ]
    return tuple(text for _, text in sorted(told))


def _strangers(
    where: tuple[str, ...], section: Section, document: Document
) -> Iterator[tuple[int, str]]:
    known = tuple(type(section).model_fields)
    for name in section.model_extra or ():
        yield _stranger((*where, name), known, document)


def _stranger(
    where: tuple[str, ...], known: tuple[str, ...], document: Document
) -> tuple[int, str]:
    line = document.line(where)
    near = difflib.get_close_matches(where[-1], known, n=1, cutoff=_ALIKE)
    advice = f"did you mean {'.'.join((*where[:-1], near[0]))}?" if near else "it is ignored."
    return line, f"{document.path}, line {line}: {'.'.join(where)} is not a key we know; {advice}"


def _idle(name: str, section: Section, document: Document) -> Iterator[tuple[int, str]]:
    for key, field in type(section).model_fields.items():
        if key in section.model_fields_set and facts(field)["effect"] is Effect.LATER:
            line, where = place(document, (name, key))
            yield line, f"{document.path}, line {line}: {where} is not acted on yet."
