"""Golden stories: what is decided and what people are told, word for word.

After a change that is meant, `python -m tests.golden` writes all expected.txt anew: read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.stage import Stage

STORIES = sorted(path.parent for path in Path(__file__).parent.glob("*/story.yaml"))


@pytest.mark.parametrize("folder", STORIES, ids=lambda folder: folder.name)
def test_a_story_is_told_as_ever(folder: Path) -> None:
    assert Stage(folder).play() == (folder / "expected.txt").read_text()


def test_there_are_stories() -> None:
    assert len(STORIES) >= 10
