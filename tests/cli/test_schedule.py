"""`symphony schedule` on a machine whose `crontab` keeps its table in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.house import House

pytestmark = pytest.mark.real

CRONTAB = """\
#!/bin/sh
table={table}
case "$1" in
  -l) cat "$table" 2>/dev/null || {{ echo "no crontab for ada" >&2; exit 1; }} ;;
  -) cat > "$table" ;;
esac
"""


@pytest.fixture
def table(house: House) -> Path:
    """Where the `crontab` that comes first on PATH keeps its table."""
    program, table = house.root / "bin/crontab", house.root / "table"
    program.parent.mkdir()
    program.write_text(CRONTAB.format(table=table))
    program.chmod(0o755)
    house.extra["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    return table


def test_the_line_that_is_installed_ticks_with_the_environment_of_cron(
    house: House, table: Path
) -> None:
    house.configure("polling: {interval_ms: 60000}")
    house.issue("A-1", state="In Review")
    assert house.run("schedule", "cron").code == 0
    assert not table.exists()
    told = house.run("schedule", "cron", "--install")
    env = house.project / "symphony.env"
    assert (told.code, told.err, env.stat().st_mode & 0o777) == (0, "", 0o600)
    assert f"Wrote PATH into {env}, for timers have neither." in told.out
    assert f"PATH='{house.extra['PATH']}'" in env.read_text()

    (line,) = [x for x in table.read_text().splitlines() if not x.startswith("#")]
    bare = {"HOME": house.environ["HOME"], "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    command = line.split(maxsplit=5)[5]
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=bare, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert house.ledger.exists()
    assert house.run("schedule", "cron", "--remove").code == 0
    assert (table.read_text(), env.exists()) == ("", True)


def test_a_machine_without_cron_is_told_so(house: House) -> None:
    programs = house.root / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    house.extra["PATH"] = str(programs)
    told = house.run("schedule", "cron", "--install")
    assert (told.code, told.err) == (
        69,
        "symphony: crontab is not on PATH: install it, or choose another timer.\n",
    )
    assert house.run("schedule", "systemd", "--install").code == 69
    assert not (house.project / "symphony.env").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_understands_the_units(house: House) -> None:
    texts = house.run("schedule", "systemd", "--json").json["texts"]
    folder = house.root / "units"
    folder.mkdir()
    for text in texts:
        (folder / Path(text["path"]).name).write_text(text["text"])
    timer = next(str(path) for path in folder.glob("*.timer"))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", timer],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "symphony-" in line]
    assert (done.returncode, ours) == (0, [])


def test_a_broken_workflow_is_scheduled_by_nobody(house: House) -> None:
    house.workflow.write_text("no front matter\n")
    told = house.run("schedule", "cron", "--install")
    assert (told.code, told.err.count("\n")) == (78, 1)
