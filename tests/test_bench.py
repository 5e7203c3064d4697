"""The benchmark's catalogue and its page agree. Nothing is measured here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.interrupting import anew
from bench.rows import ROWS, Result, Row

ROOT = Path(__file__).resolve().parents[1]


def test_the_list_names_every_row_and_measures_nothing() -> None:
    command = [sys.executable, "-m", "bench", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert (listed, done.stderr) == ([row.name for row in ROWS], "")


def test_every_row_is_explained_on_the_page() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert [row.name for row in ROWS if f"`{row.name}`" not in page] == []


def test_a_limit_is_met_up_to_its_last_drop_and_none_is_neither_met_nor_missed() -> None:
    on_figure, on_ratio = Row("a", "", "s", 0.15), Row("b", "", "s", 1.1, True)
    results = [
        Result(on_figure, 0.15, 0.01),
        Result(on_figure, 0.16, 0.01),
        Result(on_ratio, 11.0, 10.0),
        Result(on_ratio, 12.0, 10.0),
        Result(Row("c", "", "s"), 12.0, None),
    ]
    assert [one.met for one in results] == [True, False, True, False, None]


def test_what_lies_behind_the_same_beginning_is_read_anew() -> None:
    head: dict[str, Any] = {
        "prompt_cache_key": "k",
        "model": "m",
        "tools": [],
        "instructions": None,
    }
    one, two, three = "1" * 10, "2" * 20, "3" * 30
    first = {**head, "input": [one, two]}
    whole = sum(len(text) for text in ('"k"', '"m"', "[]", "null")) + len(one + two) + 4
    longer, changed = {**head, "input": [one, two, three]}, {**head, "input": [one, three]}
    other = {**first, "model": "n"}
    found = [anew([first]), *(anew([first, after]) for after in (longer, changed, other))]
    assert found == [whole, whole + 32, whole + 32, whole + whole - len('"k"')]
