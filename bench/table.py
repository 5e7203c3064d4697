"""Results as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence

from bench.rows import Result, Row

_HEADS = ("row", "figure", "baseline", "ratio", "limit", "met", "what")


def as_text(results: Iterable[Result]) -> str:
    """The table."""
    return _columns([_HEADS, *(_cells(one) for one in results)], {0, len(_HEADS) - 1})


def as_json(results: Iterable[Result]) -> str:
    """A list of maps, one for each row, with the same members."""
    return json.dumps([_map(one) for one in results], indent=1)


def listed(rows: Iterable[Row]) -> str:
    """Name, limit and meaning of every row, without measuring anything."""
    return _columns([(row.name, _limit(row), _meaning(row)) for row in rows], {0, 2})


def _columns(rows: Sequence[Sequence[str]], texts: Container[int]) -> str:
    """Text columns begin at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        placed = [
            cell.ljust(width) if number in texts else cell.rjust(width)
            for number, (cell, width) in enumerate(cells)
        ]
        lines.append("  ".join(placed).rstrip())
    return "\n".join(lines)


def _cells(one: Result) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: "-"}[one.met]
    ratio = "-" if one.ratio is None else f"{one.ratio:.2f}x"
    baseline = "-" if one.baseline is None else _figure(one.baseline, one.row.unit)
    figure = _figure(one.figure, one.row.unit)
    return (one.row.name, figure, baseline, ratio, _limit(one.row), met, one.row.what)


def _limit(row: Row) -> str:
    if row.limit is None:
        return "-"
    return f"{row.limit:g}x" if row.limit_on_ratio else f"{row.limit:g} {row.unit}".rstrip()


def _meaning(row: Row) -> str:
    return f"{row.what} (only with --full)" if row.only_full else row.what


def _figure(value: float, unit: str) -> str:
    digits = {"s": 3, "MB": 1, "%": 2, "1/s": 1}.get(unit, 0)
    return f"{value:,.{digits}f} {unit}".rstrip()


def _map(one: Result) -> dict[str, object]:
    row = one.row
    return {
        "row": row.name,
        "what": row.what,
        "unit": row.unit,
        "figure": one.figure,
        "baseline": one.baseline,
        "ratio": one.ratio,
        "limit": row.limit,
        "limit_on": None if row.limit is None else "ratio" if row.limit_on_ratio else "figure",
        "met": one.met,
    }
