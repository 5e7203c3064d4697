"""`docs/configuration.md`, made from the models: `python -m symphony_cli.adapters.config_docs`."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import JsonValue
from pydantic.fields import FieldInfo

from symphony_cli.adapters.config.problems import facts
from symphony_cli.adapters.config.root import Config
from symphony_cli.adapters.config.section import CEILINGS, Section

_HEAD = """\
# Configuration

<!-- Made by `python -m symphony_cli.adapters.config_docs`; edit the models, not this file. -->

The front matter of WORKFLOW.md: YAML between two lines of three dashes. Below it is the prompt.

* A key that is absent or null has its default. Unknown keys are kept and named in a warning.
* `$NAME` as a whole value is looked up in `symphony.env` and the environment: in paths, in
  `tracker.api_key`, `tracker.project_slug`, `tracker.assignee`, `tracker.endpoint` and
  `workspace.repo`. An unset one counts as absent. Everywhere else it is plain text.
* `~` is your home, and a relative path begins at the folder of WORKFLOW.md.
* Names of states and labels compare trimmed and without case.
* The keys of `tracker` may also stand below `tracker.provider`.
* Sizes are decimal: 1 GB is 10⁹ bytes.
"""
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def configuration_markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, field in Config.model_fields.items():
        section = field.annotation
        assert isinstance(section, type) and issubclass(section, Section)
        about = (section.__doc__ or "").strip()
        parts.append(f"\n## {name}\n\n{about}\n\n{_table(name, section.model_fields)}")
    return "".join(parts)


def _table(section: str, fields: Mapping[str, FieldInfo]) -> str:
    rows = ["| key | type | unit | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, field in fields.items():
        told = facts(field)
        cells = (
            f"`{section}.{name}`",
            _type(field) + _bounds(field),
            told["unit"],
            told["shown"] or _default(field),
            field.description or "",
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _type(field: FieldInfo) -> str:
    return _type_name(field.annotation)


def _type_name(kind: Any) -> str:
    if kind is JsonValue:
        return "any"
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type_name(inside[0])
    if origin in (types.UnionType, typing.Union):
        return _type_name(next(one for one in inside if one is not types.NoneType))
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inside)
    if origin is tuple:
        return "list of texts"
    if origin is dict:
        value = _type_name(inside[1])
        return "map" if value == "any" else f"map to {value}"
    return _SIMPLE[kind]


def _bounds(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": "≥", "le": "≤"}
    found = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in signs.items()
        if hasattr(rule, name) and getattr(rule, name) not in CEILINGS.values()
    ]
    return f" {', '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value) or "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value in ("", None) or value == {}:
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(configuration_markdown())
