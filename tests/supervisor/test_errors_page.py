"""The table of errors in docs/codex.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from symphony_cli.supervisor import faults

PAGE = Path(__file__).parents[2] / "docs" / "codex.md"


def rows() -> list[tuple[str, str, str]]:
    """Reason, outcome and advice of each row."""
    section = PAGE.read_text().partition("## Errors by kind\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [(row[0].strip("` |"), row[2].strip("`"), row[4].strip(" |")) for row in cells]


def test_every_kind_of_error_is_in_the_table_with_its_outcome_and_the_same_advice() -> None:
    assert rows() == [
        (trouble.reason, trouble.outcome.value, f"{trouble.cure}.") for trouble in faults.TROUBLES
    ]
