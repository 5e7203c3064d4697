"""Write what every story tells now as what it is expected to tell."""

from __future__ import annotations

from tests.golden.stage import Stage
from tests.golden.test_golden import STORIES

for folder in STORIES:
    (folder / "expected.txt").write_text(Stage(folder).play())
    print(folder.name)
