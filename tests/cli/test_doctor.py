"""`symphony doctor` on set-ups that are broken in every way: as people type it, and, where that is
the same, without a process of its own."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from symphony_cli.commands.doctor import CHECKS, DoctorResult, doctor
from symphony_cli.core.cronlike import cron_environment
from symphony_cli.errands.launcher import codex_argv
from symphony_cli.wiring_config import Place
from symphony_cli.wiring_doctor import examiner
from tests.adapters.linear.sockets import Server, says
from tests.cli.house import AS_ANYBODY, House, Told, fingerprint, held
from tests.cli.linear_house import LinearHouse

pytestmark = pytest.mark.real


def without_extra(command: str, path: str) -> tuple[str, ...]:
    """Which program is meant where the extra `codex` is not installed."""
    return codex_argv(command, path, lambda: None)


def looked(house: House, *, as_cron: bool = False) -> DoctorResult:
    """What doctor finds in a house without an env file."""
    environ = cron_environment(house.environ) if as_cron else house.environ
    place = Place(house.workflow, environ, environ)
    eyes = examiner(place, house.environ, without_extra, as_cron=as_cron)
    return doctor(eyes, as_cron=as_cron)


def levels(result: DoctorResult, *names: str) -> list[str]:
    """The levels of what these checks found."""
    return [one.level.value for one in result.findings if one.name in names]


def found(result: DoctorResult, name: str) -> str:
    """What one check found."""
    return " ".join(one.found for one in result.findings if one.name == name)


def told_levels(told: Told, *names: str) -> list[str]:
    """The same of `--json`."""
    assert told.out, told
    return [one["level"] for one in told.json["findings"] if one["name"] in names]


def test_findings_are_printed_the_worst_is_the_exit_code_and_nothing_is_changed(
    house: House,
) -> None:
    house.issue("A-1")
    before = fingerprint(house.root)
    told = house.run("doctor")
    assert (told.code, told.err, "\x1b" in told.out) == (
        2 if "\nACT " in told.out else 1,
        "",
        False,
    )
    assert "\nwarn  timer       No timer of yours runs this workflow" in told.out
    assert fingerprint(house.root) == before


def test_a_reader_that_goes_away_changes_nothing_of_how_it_ends(house: House) -> None:
    process = house.start("doctor")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode in (1, 2), err) == (True, "")


def test_it_neither_waits_for_the_lock_nor_touches_what_a_tick_left(house: House) -> None:
    house.issue("A-1", state="Done")
    house.run("tick")
    before = fingerprint(house.state)
    with held(house.state / "lock"):
        result = looked(house)
    assert levels(result, "ledger", "last-tick") == ["ok", "ok"]
    assert fingerprint(house.state) == before


def test_a_broken_workflow_is_told_and_the_rest_goes_by_its_last_good_copy(house: House) -> None:
    house.run("tick")
    house.workflow.write_text("---\ntracker: {kind: 5}\n---\nDo it.\n")
    result = looked(house)
    assert (result.exit_code, result.left_out, levels(result, "workflow")) == (2, (), ["act"])
    assert "tracker.kind" in found(result, "workflow")


@pytest.mark.parametrize("text", [b"---\ntracker: [\n---\n", b"\x00\xff", b""])
def test_a_workflow_that_never_was_valid_leaves_out_what_goes_by_it(
    house: House, text: bytes
) -> None:
    house.workflow.write_bytes(text)
    result = looked(house)
    bad = [one.name for one in result.findings if one.level.value != "ok"]
    assert (result.exit_code, bad) == (2, ["workflow"])
    assert result.left_out == tuple(check.name for check in CHECKS if check.goes_by_workflow)


def test_without_any_workflow_it_says_where_it_looked(house: House, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = house.run("doctor", cwd=tmp_path / "empty")
    assert (told.code, "There is no WORKFLOW.md in" in told.out) == (2, True)


def test_an_env_file_that_others_read_is_told_once_and_the_workflow_is_well(house: House) -> None:
    (house.project / "symphony.env").write_text("A=b\n")
    (house.project / "symphony.env").chmod(0o644)
    told = house.run("doctor", "--json")
    assert told_levels(told, "workflow", "env-file") == ["ok", "act"]
    assert "chmod 600" in told.out


def test_places_that_cannot_be_used_are_named(house: House) -> None:
    house.state.mkdir()
    house.state.chmod(0o500)
    house.issues.rmdir()
    (house.root / "home" / "state").write_text("")
    house.configure("workspace: {root: ../locked/w}")
    (house.root / "locked").mkdir(mode=0)
    try:
        told = house.run("doctor", "--json", wrap=AS_ANYBODY)
    finally:
        house.state.chmod(0o700)
        (house.root / "locked").chmod(0o700)
    assert told_levels(told, "state", "tracker") == ["act", "act", "act", "act"]
    assert told_levels(told, "disk") == ["warning", "ok"]
    assert "bug of ours" not in told.out


def test_a_damaged_ledger_is_named_and_not_touched(house: House) -> None:
    house.run("tick")
    house.ledger.write_bytes(house.ledger.read_bytes() + b"{}\n{}\n")
    before = fingerprint(house.state)
    result = looked(house)
    assert (levels(result, "ledger"), result.exit_code) == (["act"], 2)
    assert str(house.ledger) in found(result, "ledger")
    assert fingerprint(house.state) == before


def test_as_cron_finds_what_only_the_shell_has_and_symphony_env_mends_it(house: House) -> None:
    tools = house.root / "tools"
    tools.mkdir()
    (tools / "codex").write_text("#!/bin/sh\necho codex-cli 0.169.0\n")
    (tools / "codex").chmod(0o755)
    house.configure("codex: {command: codex app-server}")
    house.extra["PATH"] = f"{tools}:{os.environ['PATH']}"
    told = [one for one in looked(house, as_cron=True).findings if one.name == "cron"]
    assert [one.found for one in told if f"it is {tools}/codex" in one.found] != []
    assert [one.remedy for one in told if one.remedy.startswith(f"Put `PATH={tools}:")] != []
    assert [one.found for one in told if "sets XDG_STATE_HOME" in one.found] != []
    named = house.project / "symphony.env"
    named.write_text(
        f"PATH={house.extra['PATH']}\nXDG_STATE_HOME={house.environ['XDG_STATE_HOME']}\n"
    )
    named.chmod(0o600)
    mended = house.run("doctor", "--as-cron", "--json")
    assert (told_levels(mended, "cron", "codex"), mended.json["as_cron"]) == (["ok", "ok"], True)


def test_a_key_of_the_shell_is_a_warning_and_under_cron_there_is_none(linear: LinearHouse) -> None:
    shell, cron = looked(linear), looked(linear, as_cron=True)
    assert (levels(shell, "key"), levels(shell, "tracker")) == (["warning"], ["ok"])
    assert "LINEAR_API_KEY with the tracker's key is in the environment" in found(shell, "secrets")
    assert (levels(cron, "key"), levels(cron, "tracker")) == (["act"], [])


def test_it_asks_linear_through_the_budget_and_names_what_is_not_there(linear: LinearHouse) -> None:
    linear.configure(active_states=["Todo", "Nowhere"])
    linear.tick()
    before = len(linear.world.operations())
    result = looked(linear)
    assert (levels(result, "tracker"), "'Nowhere'" in found(result, "tracker")) == (["act"], True)
    assert len(linear.world.operations()) - before == 1
    assert list(linear.user_state.glob("budget-*.json")) != []


def test_a_key_that_is_refused_wants_a_person(linear: LinearHouse) -> None:
    linear.use("lin_api_wrong_0123456789")
    told = linear.run("doctor", "--json")
    assert told_levels(told, "tracker") == ["act"]
    assert "Linear does not accept the key" in told.out
    assert "lin_api_wrong_0123456789" not in told.out + told.err


@pytest.fixture
def down() -> Iterator[Server]:
    with closing(Server([says(502, "bad gateway")])) as server:
        yield server


def test_a_linear_that_is_down_passes_only_if_it_ever_answered(
    linear: LinearHouse, down: Server
) -> None:
    linear.configure(endpoint=down.endpoint)
    never = looked(linear)
    tick = {"started_at": "2026-01-05T08:00:00.000Z", "facts_as_of": "2026-01-05T08:00:00.000Z"}
    linear.state.mkdir()
    (linear.state / "tick.json").write_text(json.dumps(tick))
    assert (levels(never, "tracker"), levels(looked(linear), "tracker")) == (["act"], ["warning"])


def planted(linear: LinearHouse, key: str) -> None:
    """Put the key wherever it may get to: files, the ledger, logs, a verdict, a broken workflow."""
    linear.env_file.write_text(f"LINEAR_API_KEY={key}\nOTHER_TOKEN='tok en-0123456789'\n")
    linear.env_file.chmod(0o600)
    linear.tick()
    folder = linear.folder("ENG-1")
    folder.mkdir(parents=True)
    more: dict[Path, str] = {
        folder
        / "agent.log": f"x{key}y\nBearer {key}\nlin_api_unknown0123456789\ntok en-0123456789",
        folder / "exit.json": json.dumps(
            {"detail": f'"{key}"', "home": str(linear.root / "home/a")}
        ),
        linear.state / "tick.json": json.dumps({"summary": key}),
        linear.ledger: json.dumps({"e": "noted", "text": f"{key} é"}) + "\n",
    }
    for path, text in more.items():
        with path.open("a") as stream:
            stream.write(text + "\n")
    (linear.state / "runs" / "ENG-1" / "99").mkdir()
    (linear.state / "runs" / "ENG-1" / "99" / "agent.log").symlink_to(linear.env_file)


def members(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        texts: dict[str, str] = {}
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            assert stream is not None
            texts[member.name.removeprefix("symphony-report/")] = stream.read().decode()
        return texts


def judged(linear: LinearHouse, name: str, secrets: list[str]) -> None:
    """Make a bundle and see that it has all it should and nothing it should not."""
    told = linear.run("doctor", "--bundle", name)
    path = linear.project / name
    inside = members(path)
    state = ["ledger.jsonl", "tick.json", "runs/ENG-1/1/agent.log", "runs/ENG-1/1/exit.json"]
    own = ["WORKFLOW.md", "contents.txt", "doctor.json", "versions.txt"]
    everything = "\n".join(inside.values())
    assert sorted(inside) == sorted(own + state), told
    assert [secret for secret in secrets if secret in everything + told.out + told.err] == []
    assert str(linear.root / "home") not in everything
    assert "x[secret]y" in inside["runs/ENG-1/1/agent.log"]
    assert [n for n in inside["contents.txt"].splitlines() if f"  {n}\n" not in told.out] == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_bundle_holds_what_a_report_needs_and_no_secret_however_broken_all_is(
    linear: LinearHouse,
) -> None:
    key = linear.world.key
    linear.use(None)
    planted(linear, key)
    secrets = [key, "lin_api_unknown0123456789", "tok en-0123456789"]
    judged(linear, "valid.tar.gz", secrets)
    text = linear.workflow.read_text()
    linear.workflow.write_text(text.replace("$LINEAR_API_KEY", key).replace("kind", "kin"))
    linear.env_file.chmod(0o644)
    judged(linear, "broken.tar.gz", secrets)


def test_a_bundle_overwrites_nothing_and_is_refused_before_anything_is_looked_at(
    house: House,
) -> None:
    there = house.project / "r.tgz"
    there.write_text("mine")
    told = house.run("doctor", "--bundle", "r.tgz")
    assert (told.code, told.out) == (64, "")
    assert told.err == f"symphony: {there} is there already and is not overwritten: name another "\
        "file.\n"  # fmt: skip
    assert there.read_text() == "mine"
