"""What every key of WORKFLOW.md is made of: type, unit, default, meaning, and whether we act on it.

Unknown keys are kept (`model_extra`), so that a file of another Symphony loads; `problems` names
them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Effect(StrEnum):
    """What setting a key does today."""

    NOW = "now"
    LATER = "later"
    """Understood and checked, but nothing follows from it yet; setting it brings a warning."""
    NONE = "none"
    """A key of another Symphony that has no meaning here."""


_SAID = {Effect.NOW: "", Effect.LATER: " Not acted on yet.", Effect.NONE: ""}

CEILINGS = {"ms": 10**12, "s": 10**9, "days": 10**5, "MB": 10**9, "GB": 10**9}
"""Largest sensible value by unit; above it dates and sizes could no longer be computed."""

FOREIGN = "Accepted, has no effect here."


class Section(BaseModel):
    """One map of the front matter."""

    model_config = ConfigDict(extra="allow", frozen=True)


def key(
    default: Any,
    meaning: str,
    unit: str = "",
    *,
    effect: Effect = Effect.NOW,
    shown: str = "",
    secret: bool = False,
    **bounds: Any,
) -> Any:
    """One key. `shown` says in words what the default is when it is worked out while loading;
    `secret` keeps its value out of every message; `bounds` are pydantic's (`ge`, `gt`, `le`)."""
    facts: dict[str, Any] = {"unit": unit, "effect": effect, "shown": shown, "secret": secret}
    if unit in CEILINGS:
        bounds = {"le": CEILINGS[unit], **bounds}
    return Field(default, description=meaning + _SAID[effect], json_schema_extra=facts, **bounds)


def foreign(default: Any = None) -> Any:
    """A key of another Symphony that means nothing here."""
    return key(default, FOREIGN, effect=Effect.NONE)


def _no_truth(value: object) -> object:
    """Python takes true for 1; a person who writes `max_turns: true` did not mean one turn."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number; digits in quotes are taken too, as other Symphonies do."""

Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_truth)]
"""A number with or without a fraction."""

Names = tuple[str, ...]
"""A list of texts."""
