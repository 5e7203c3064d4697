"""Everything that can be wrong with a set-up, one thing at a time, and what doctor makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symphony_cli.core import examined as ex
from symphony_cli.core.findings import Level
from symphony_cli.core.prompt_order import Order
from symphony_cli.core.run import CodexSettings
from symphony_cli.core.snapshot import Disk, Mirrored
from symphony_cli.core.tickfile import TickFile
from tests.fakes.examiner import GB, POLICY, FakeExaminer
from tests.fakes.world import SETTINGS, START

WARNING, ACT = Level.WARNING, Level.ACT

Ailment = tuple[str, Level, dict[str, Any], str]
"""The check that finds it, how bad it is, what is other than well, words of the sentence."""

WELL = FakeExaminer()


def _codex(said: str = "", **program: str) -> ex.Codex:
    return ex.Codex("codex app-server", ex.Program("/usr/bin/codex", said, **program))


def _login(**more: Any) -> ex.Login:
    return ex.Login("/h/.codex", **{"there": True, **more})


def _told(**more: Any) -> ex.Tracker:
    return ex.Tracker("linear", "project hello", **more)


def _room(free: int, inodes: int = 10**6, floored: bool = True) -> tuple[ex.Room, ...]:
    return (ex.Room("workspace.root", Disk(free, inodes, "/w"), floored),)


def _timer(**more: Any) -> ex.Rhythm:
    return replace(WELL.beats, timers=(ex.Timer("the timer /u/s.timer", **{"mine": True, **more}),))


def _rules(**more: Any) -> dict[str, Any]:
    return {"rules": (replace(POLICY, **more), SETTINGS)}


def _cron(cron: str = "/usr/bin/git", shell: str = "/opt/bin/git", **more: Any) -> ex.Bare:
    return ex.Bare("/usr/bin:/bin", (("git", shell, cron), ("ssh", "/opt/bin/ssh", "")), **more)


NEVER = replace(WELL.beats, last=TickFile())

MACHINE: tuple[Ailment, ...] = (
    ("platform", WARNING, {"on": ex.Platform("Darwin", "3.12", "0.1.0")}, "not swept"),
    ("git", ACT, {"git_there": ex.Program(error="git is not on PATH (/x).")}, "not on PATH"),
    ("git", ACT, {"git_there": ex.Program("/git", "git version 2.30.9")}, "needs 2.31"),
    ("git", WARNING, {"git_there": ex.Program("/git", "")}, "silent"),
    ("cron", ACT, {"cron": _cron("")}, "git is not found; it is /opt/bin/git"),
    ("cron", ACT, {"cron": _cron("", "")}, "your shell does not find it either"),
    ("cron", ACT, {"cron": _cron(ssh=True)}, "ssh is not found"),
    ("cron", WARNING, {"cron": _cron(lost=("XDG_STATE_HOME",))}, "sets XDG_STATE_HOME"),
    (
        "cron",
        WARNING,
        {"cron": replace(_cron(lost=("SSH_AUTH_SOCK",), ssh=True), programs=())},
        "SSH_AUTH_SOCK",
    ),
    ("codex", ACT, {"starts": _codex(error="`codex` was not found.")}, "was not found"),
    ("codex", WARNING, {"starts": _codex("codex-cli 0.98.1")}, "older ones were not"),
    ("codex", WARNING, {"starts": _codex("hello")}, "hello"),
    ("login", ACT, {"logged_in": _login(there=False)}, "does not exist"),
    ("login", ACT, {"logged_in": _login()}, "no auth.json"),
    ("login", ACT, {"logged_in": _login(fault="line 3")}, "config.toml cannot be used (line 3)"),
    ("login", ACT, {"logged_in": _login(provider="mine", provider_key="K")}, "do not have K"),
    ("login", WARNING, {"logged_in": _login(auth=True, open_to_others=True)}, "others may read"),
    ("login", WARNING, {"logged_in": _login(variables=("OPENAI_API_KEY",))}, "may not go by"),
    ("sandbox", ACT, {"walls": ex.Sandbox("read-only", "a trial", "EPERM")}, "failed (EPERM)"),
    ("sandbox", WARNING, {"walls": ex.Sandbox("danger-full-access")}, "without a sandbox"),
    ("timer", WARNING, {"beats": replace(WELL.beats, timers=())}, "No timer of yours"),
    ("timer", WARNING, {"beats": _timer(mine=False)}, "No timer of yours"),
    ("timer", WARNING, {"beats": replace(NEVER, silence=None)}, "no tick has been yet"),
    ("timer", WARNING, {"beats": _timer(lingers=False)}, "stops when you log out"),
    ("timer", ACT, {"beats": _timer(kills=True)}, "no KillMode=process"),
    ("timer", ACT, {"beats": _timer(active=False)}, "not active; the last tick was 20 s ago"),
    ("timer", ACT, {"beats": replace(WELL.beats, silence=181.0)}, "181 s ago"),
    (
        "last-tick",
        WARNING,
        {"beats": replace(WELL.beats, last=TickFile(START, exit_code=13, errors=("No answer.",)))},
        "ended with 13: No answer.",
    ),
)

SETUP: tuple[Ailment, ...] = (
    ("workflow", ACT, {"file": ex.Workflow("/p", "It is bad.", (), True)}, "It is bad."),
    ("workflow", WARNING, {"file": ex.Workflow("/p", "", ("An odd key.",))}, "An odd key."),
    ("env-file", ACT, {"env": ex.EnvFile("/p/symphony.env", True, "Others read it.")}, "Others"),
    ("key", ACT, {"held_key": ex.TrackerKey(True, "LINEAR_API_KEY")}, "is not set"),
    ("key", WARNING, {"held_key": ex.TrackerKey(True, "L", "environment")}, "a timer does not"),
    ("key", WARNING, {"held_key": ex.TrackerKey(True, "L", "workflow")}, "into WORKFLOW.md"),
    ("tracker", ACT, {"told": _told(error="Key refused.", final=True)}, "Key refused."),
    ("tracker", ACT, {"told": _told(error="Down."), "beats": NEVER}, "Down."),
    ("tracker", WARNING, {"told": _told(error="Down.")}, "Down."),
    ("tracker", WARNING, {"told": _told(error="in 9 s", put_off=True)}, "not asked: in 9 s"),
    ("tracker", ACT, {"told": _told(problems=("No state Todo.",))}, "No state Todo."),
    ("tracker", WARNING, {"told": _told(unknown=("a: odd",))}, "a: odd"),
    ("tracker", ACT, {"told": _told(unwritable="read-only")}, "cannot be written (read-only)"),
    ("repository", ACT, {"origin": ex.Remote("x:y", "no such host")}, "no such host"),
    ("state", ACT, {"written": (ex.Folder("/s", True, network="nfs"),)}, "(nfs)"),
    ("state", ACT, {"written": (ex.Folder("/s", True, unwritable="ro"),)}, "written (ro)"),
    ("state", WARNING, {"written": (ex.Folder("/s", True, open_to_others=True),)}, "Others may"),
    ("state", WARNING, {"written": (ex.Folder("/s", True, tracked=True),)}, "Git would take"),
    ("ledger", ACT, {"ledger": ex.Memory(True, error="Line 3 is broken.")}, "Line 3 is broken."),
    ("disk", ACT, {"room": _room(4 * GB)}, "below 5.0 GB"),
    ("disk", ACT, {"room": _room(100 * GB, 999)}, "below 1,000 inodes"),
    ("disk", WARNING, {"room": _room(7 * GB)}, "the floor is 5.0 GB"),
    ("disk", WARNING, {"room": _room(100 * GB, 1400)}, "the floor is 1,000"),
    ("disk", WARNING, {"room": _room(GB // 2, floored=False)}, "no floor is set"),
    ("disk", WARNING, {"room": (ex.Room("state", None),)}, "Nobody can tell"),
    (
        "places",
        WARNING,
        {"lasting": (ex.Temporary("workspace.root", "/tmp/w", "/tmp"),)},
        "workspace.root is /tmp/w, below /tmp",
    ),
    ("mirror", WARNING, {"borrowed": Mirrored("/m", error="It is broken.")}, "It is broken."),
    ("budgets", WARNING, _rules(max_tokens_per_issue=None), "max_tokens_per_issue is not set"),
    ("budgets", WARNING, _rules(max_tokens_per_issue=99_999), "is 99,999"),
    ("budgets", WARNING, _rules(max_tokens_per_day=10**6), "max_tokens_per_day (1,000,000)"),
    ("budgets", WARNING, _rules(max_dispatch_attempts=None), "max_dispatch_attempts is not set"),
    (
        "budgets",
        WARNING,
        {"rules": (POLICY, replace(SETTINGS, codex=CodexSettings(run_limit=None)))},
        "run_limit_ms is 0",
    ),
    ("prompt", ACT, {"templates": (ex.Prompt("W", error="No {{ x }}."),)}, "No {{ x }}."),
    (
        "prompt",
        WARNING,
        {"templates": (ex.Prompt("W", Order(3, 100, 89, 100)),)},
        "first 100 bytes, up to line 3, with 89% of the static text; 11 bytes of it come after",
    ),
    ("secrets", WARNING, {"places": ex.Reach(ex.TrackerKey(True, "L", "workflow"))}, "can read"),
    ("secrets", WARNING, {"places": replace(WELL.places, exported=("L",))}, "L with the tracker"),
    ("secrets", WARNING, {"places": replace(WELL.places, timers=("a crontab",))}, "a crontab"),
    ("secrets", WARNING, {"places": replace(WELL.places, traceable=True)}, "trace others"),
)

AILMENTS = MACHINE + SETUP
