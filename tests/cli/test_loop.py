"""`tick --every`: options for every tick, and a signal that reaches the tick inside (row O2)."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.house import House, planted, until

pytestmark = pytest.mark.real

SLOW_AND_TIDY = """
import atexit, sys, time
from pathlib import Path
if sys.argv[-1] == "tick":
    import symphony_cli.wiring_world as world
    note = Path(__file__).parent / "note"
    def free_room(folder):
        atexit.register(note.write_text, "ended in order")
        note.write_text("began")
        time.sleep(60)
    world.free_room = free_room
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_tick_inside_in_order_and_then_the_loop(
    house: House, number: signal.Signals, code: int
) -> None:
    house.extra.update(planted(house, SLOW_AND_TIDY))
    loop = house.start("tick", "--every", "60")
    note = house.root / "planted" / "note"
    until(lambda: note.exists() and note.read_text() == "began", "the tick inside")
    loop.send_signal(number)

    assert (loop.wait(20), note.read_text()) == (code, "ended in order")
    assert house.processes() == []
    loop.communicate()


def test_every_tick_of_a_loop_has_its_options(house: House) -> None:
    house.issue("A-1")
    house.configure("workspace: {root: $ROOM}")
    other = house.project / "other.env"
    other.write_text(f"ROOM={house.root}/other\n")
    other.chmod(0o600)
    words = ["--env-file", "other.env", "tick", "--every", "0.1", "--for", "0.1"]
    told = house.run(*words, "--dry-run", "--json")

    assert (told.code, house.state.exists()) == (0, False)
    assert told.json["dry_run"] is True
    assert [d["kind"] for d in told.json["decisions"]] == ["take_in", "enrol", "dispatch"]


NAMES_IT_HAS = """
import json, os, sys
from pathlib import Path
if sys.argv[-1] == "tick":
    note = Path(__file__).parent / "note"
    note.write_text(json.dumps(sorted(os.environ)))
"""


def test_an_exported_key_goes_to_each_tick_by_pipe(house: House) -> None:
    house.issue("A-1")
    house.configure("tracker: {kind: markdown, api_key: $MY_KEY}")
    house.extra.update(planted(house, NAMES_IT_HAS) | {"MY_KEY": "key-of-the-operator"})
    told = house.run("tick", "--every", "0.1", "--for", "0.1")

    names = json.loads((house.root / "planted" / "note").read_text())
    assert (told.code, "MY_KEY" in names, "SYMPHONY_HANDED_SECRETS" in names) == (0, False, True)
