"""What the demo's agents do, as a script for `symphony_cli.scripted`.

They move their issue, run commands, edit files, run the tests, commit and push, all for real.
Their answers cost made-up tokens: each reads what came before from the cache, as a real one does.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from symphony_cli.core.shape import Json

SLOW = "DEMO-2"
"""The issue whose agent takes its time, so that its supervisor can be killed in the middle."""

_FIRST_INPUT = 6_200
_GROWTH = 780


def script(python: str) -> Json:
    """The whole script; `python` is the interpreter that runs the tests."""
    tests = f"{shlex.quote(python)} -m unittest -q"
    return {
        "issues": [
            {"match": "Issue DEMO-1:", "turns": [_priced(_fix_the_median(tests))]},
            {"match": "Issue DEMO-2:", "turns": [_priced(_read_a_file(tests))]},
            {"match": "Issue DEMO-3:", "turns": [_priced(_show_quartiles(tests))]},
        ]
    }


def _priced(steps: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Give each step that is an answer its tokens."""
    priced, seen = [], 0
    for step in steps:
        if "wait" in step:
            priced.append(step)
            continue
        size = _FIRST_INPUT + _GROWTH * len(priced)
        words = len(str(step).split())
        usage = {"input": size, "cached_input": seen, "output": 40 + 2 * words, "reasoning": words}
        priced.append({**step, "usage": usage})
        seen = size
    return priced


def _begin(plan: str) -> list[dict[str, Json]]:
    move = {"name": "issue_update", "arguments": {"state": "In Progress"}}
    return [{"say": plan}, {"tool": move}]


def _end(commit: str, comment: str) -> list[dict[str, Json]]:
    done = {"name": "issue_update", "arguments": {"state": "Done", "comment": comment}}
    push = {"run": "git push -q origin HEAD"}
    return [{"commit": commit}, push, {"tool": done}, {"say": comment}]


def _edit(path: str, find: str, replace: str) -> dict[str, Json]:
    return {"edit": {"path": path, "find": find, "replace": replace}}


def _fix_the_median(tests: str) -> list[dict[str, Json]]:
    return [
        *_begin("I run the tests first, to see the bug for myself."),
        {"run": tests},
        {"run": "cat tally/figures.py"},
        _edit(
            "tally/figures.py",
            "    return ordered[len(ordered) // 2]\n",
            "    middle = len(ordered) // 2\n"
            "    if len(ordered) % 2:\n"
            "        return ordered[middle]\n"
            "    return (ordered[middle - 1] + ordered[middle]) / 2\n",
        ),
        {"run": tests},
        *_end(
            "Take the mean of the two middle values in median",
            "The median of an even number of values is now the mean of the two in the middle; "
            "all tests pass.",
        ),
    ]


def _read_a_file(tests: str) -> list[dict[str, Json]]:
    only_ours = f"{tests} tests.test_reading"
    return [
        *_begin("I look at how the program reads its input, then write the test first."),
        {"run": "cat tally/__main__.py && sleep 1"},
        {"wait": 1.5},
        {"write": {"path": "tests/test_reading.py", "content": _TEST_READING}},
        {"run": only_ours},
        {"wait": 1.5},
        _edit("tally/__main__.py", "    print(report(sys.stdin))\n    return 0\n", _MAIN_BODY),
        {"run": f"sleep 1; {only_ours}"},
        {"wait": 1.5},
        _edit(
            "README.md",
            "prints count, mean and median.",
            "prints count, mean and median. `python3 -m tally FILE` reads a file.",
        ),
        *_end(
            "Read the file that is named on the command line",
            "`python3 -m tally FILE` reads a file and says so when it cannot; with a test.",
        ),
    ]


def _show_quartiles(tests: str) -> list[dict[str, Json]]:
    base = "git pull -q --no-rebase --no-edit origin demo-1-median"
    return [
        *_begin("Quartiles are medians of halves: I take the corrected median of DEMO-1 first."),
        {"run": base},
        {"write": {"path": "tests/test_quartiles.py", "content": _TEST_QUARTILES}},
        _edit(
            "tally/figures.py",
            "    return (ordered[middle - 1] + ordered[middle]) / 2\n",
            "    return (ordered[middle - 1] + ordered[middle]) / 2\n" + _QUARTILES,
        ),
        _edit("tally/__main__.py", "import mean, median", "import mean, median, quartiles"),
        _edit(
            "tally/__main__.py",
            '    return f"count {len(values)}\\nmean {mean(values):g}\\n'
            'median {median(values):g}"\n',
            _REPORT_END,
        ),
        {"run": tests},
        *_end(
            "Show the quartiles",
            "The report now ends with the quartiles, built on the corrected median; "
            "all tests pass.",
        ),
    ]


_TEST_READING = """\
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from tally.__main__ import main


class Reading(unittest.TestCase):
    def test_a_file_is_read(self):
        out = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out):
            path = Path(folder, "numbers")
            path.write_text("1\\n2\\n6\\n")
            code = main([str(path)])
        self.assertEqual((code, out.getvalue().splitlines()[:2]), (0, ["count 3", "mean 3"]))

    def test_a_file_that_is_not_there_is_named(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            code = main(["/no/such/file"])
        self.assertEqual(code, 1)
        self.assertIn("/no/such/file", err.getvalue())


if __name__ == "__main__":
    unittest.main()
"""

_MAIN_BODY = """\
    if not arguments:
        print(report(sys.stdin))
        return 0
    try:
        with open(arguments[0], encoding="utf-8") as file:
            print(report(file))
    except OSError as error:
        print(f"{arguments[0]} cannot be read: {error.strerror}", file=sys.stderr)
        return 1
    return 0
"""

_TEST_QUARTILES = """\
import unittest

from tally.__main__ import report
from tally.figures import quartiles


class Quartiles(unittest.TestCase):
    def test_medians_of_the_halves(self):
        self.assertEqual(quartiles([1, 2, 3, 4, 5, 6, 7, 8]), (2.5, 4.5, 6.5))

    def test_the_middle_value_belongs_to_neither_half(self):
        self.assertEqual(quartiles([1, 2, 3, 4, 5]), (1.5, 3, 4.5))

    def test_one_value_is_all_its_quartiles(self):
        self.assertEqual(quartiles([7]), (7, 7, 7))

    def test_the_report_ends_with_them(self):
        self.assertEqual(report("12345").splitlines()[-1], "quartiles 1.5 3 4.5")


if __name__ == "__main__":
    unittest.main()
"""

_QUARTILES = '''

def quartiles(values):
    """Median of the lower half, median, median of the upper half."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if not half:
        return (ordered[0],) * 3
    return median(ordered[:half]), median(ordered), median(ordered[-half:])
'''

_REPORT_END = """\
    spread = " ".join(f"{value:g}" for value in quartiles(values))
    return (
        f"count {len(values)}\\nmean {mean(values):g}\\nmedian {median(values):g}\\n"
        f"quartiles {spread}"
    )
"""
