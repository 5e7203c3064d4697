"""What docs/codex.md says of the clocks is what they are."""

from __future__ import annotations

import re
from pathlib import Path

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import clocks, work

DOCS = Path(__file__).parents[2] / "docs"


def section() -> str:
    text = (DOCS / "codex.md").read_text()
    (found,) = re.findall(r"^## Silence\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_clock_is_told_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `\w+`.*? \| (none|\d+ s) \|", section(), re.MULTILINE)
    limits = clocks.limits_of(CodexSettings())
    told = {name: "none" if value is None else f"{value:g} s" for name, value in _pairs(limits)}
    assert dict(rows) == told
    assert limits == clocks.Limits(run=limits.run)


def _pairs(limits: clocks.Limits) -> list[tuple[str, float | None]]:
    return list(zip(limits._fields, limits, strict=True))


def test_the_settings_of_the_clocks_have_the_same_defaults_in_the_configuration() -> None:
    rows = re.findall(r"^\| `\w+` \| `(\w+)` \| (none|\d+) ", section(), re.MULTILINE)
    known = dict(
        re.findall(
            r"^\| `codex\.(\w+)` \|.*?\| `(\d+)` \|",
            (DOCS / "configuration.md").read_text(),
            re.MULTILINE,
        )
    )
    assert {name: known[name] for name, _ in rows} == {
        name: "0" if told == "none" else f"{told}000" for name, told in rows
    }
    recoveries = re.findall(r"`max_stall_recoveries` \((\d+)\)", section())
    assert recoveries == [known["max_stall_recoveries"]]


def test_every_quiet_kind_of_item_is_told_and_how_long_a_poll_may_take() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", section(), re.MULTILINE)
    assert set(rows) == work.QUIET_KINDS
    assert f"adds {work.POLL:g} s to" in section()
