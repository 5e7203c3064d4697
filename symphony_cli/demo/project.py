"""The project that the demo's agents work on: `tally`, figures of a list of numbers.

It has a real bug, with a unit test that fails because of it.
"""

from __future__ import annotations

README = """\
# tally

Figures of a list of numbers, one number a line:

    printf '3\\n1\\n2\\n' | python3 -m tally

prints count, mean and median. `python3 -m unittest` runs the tests.
The work to be done lies in `issues/`, one file an issue; `WORKFLOW.md` says who does it and how.
"""

GITIGNORE = "__pycache__/\nstate/\nsymphony.env\n"

INIT = '"""Figures of a list of numbers."""\n'

FIGURES = '''\
"""Mean and median."""


def mean(values):
    """The sum over the count; values must not be empty."""
    return sum(values) / len(values)


def median(values):
    """The middle value; of an even number of values the mean of the two in the middle."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
'''

MAIN = '''\
"""`python3 -m tally` reads numbers, one a line, from standard input."""

import sys

from tally.figures import mean, median


def report(lines):
    """The text to print for these lines; blank ones do not count."""
    values = [float(line) for line in lines if line.strip()]
    if not values:
        return "nothing to tally"
    return f"count {len(values)}\\nmean {mean(values):g}\\nmedian {median(values):g}"


def main(arguments):
    """Print the figures of what was read."""
    print(report(sys.stdin))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''

TEST_FIGURES = """\
import unittest

from tally.__main__ import report
from tally.figures import mean, median


class Figures(unittest.TestCase):
    def test_mean(self):
        self.assertEqual(mean([1, 2, 6]), 3)

    def test_median_of_an_odd_number_of_values(self):
        self.assertEqual(median([5, 1, 3]), 3)

    def test_median_of_an_even_number_of_values(self):
        self.assertEqual(median([4, 1, 3, 2]), 2.5)

    def test_blank_lines_do_not_count(self):
        self.assertEqual(report(["1", "", "3"]).splitlines()[0], "count 2")


if __name__ == "__main__":
    unittest.main()
"""

FILES: dict[str, str] = {
    "README.md": README,
    ".gitignore": GITIGNORE,
    "tally/__init__.py": INIT,
    "tally/__main__.py": MAIN,
    "tally/figures.py": FIGURES,
    "tests/__init__.py": "",
    "tests/test_figures.py": TEST_FIGURES,
}
"""The project as it is before anybody works on it."""
