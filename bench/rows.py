"""Every row of the table: what it measures, and what the contract allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A limit is on the figure, or on the ratio where it says so."""

    name: str
    what: str
    unit: str
    limit: float | None = None
    limit_on_ratio: bool = False
    only_full: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured for a row; `baseline` has the unit of the figure."""

    row: Row
    figure: float
    baseline: float | None

    @property
    def ratio(self) -> float | None:
        """The figure in baselines."""
        return self.figure / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        value = self.ratio if self.row.limit_on_ratio else self.figure
        if self.row.limit is None or value is None:
            return None
        return value <= self.row.limit


def _idle(name: str, ledger: str, *, only_full: bool = False) -> tuple[Row, ...]:
    tick = f"idle tick, {ledger}"
    cpu = Row(f"{name}.cpu", f"{tick}: CPU above the baseline", "s", 0.15, only_full=only_full)
    rss = Row(f"{name}.rss", f"{tick}: maximum RSS", "MB", 60.0, only_full=only_full)
    asked = Row(f"{name}.requests", f"{tick}: requests", "", 1.0, only_full=only_full)
    if name == "s1.empty":
        return cpu, rss, asked
    what = f"{tick}: its CPU against that of s1.empty"
    return cpu, rss, asked, Row(f"{name}.growth", what, "s", 1.1, True, only_full)


def _linear(name: str, what: str) -> tuple[Row, ...]:
    tick = f"idle tick with Linear, {what}"
    return (
        Row(f"{name}.requests", f"{tick}: requests", "", 1.0),
        Row(f"{name}.up", f"{tick}: bytes sent", "B"),
        Row(f"{name}.down", f"{tick}: bytes received", "B"),
        Row(f"{name}.cpu", f"{tick}: CPU above the baseline", "s"),
        Row(f"{name}.own", f"{tick}: CPU above that of linear.post", "s", 0.15),
        Row(f"{name}.rss", f"{tick}: maximum RSS", "MB", 60.0),
    )


def _crowd(name: str, count: int) -> tuple[Row, ...]:
    many = f"{count} supervisors at ten events a second each"
    return (
        Row(f"{name}.rss", f"{many}: RSS of the largest", "MB", 15.0),
        Row(f"{name}.peak", f"{many}: highest RSS so far", "MB", 15.0),
        Row(f"{name}.together", f"{many}: PSS of all together", "MB"),
        Row(f"{name}.cpu", f"{many}: share of a core, each", "%", 1.0),
        Row(f"{name}.events", f"{many}: events that arrived in a second, each", "1/s"),
    )


_KILL = "from SIGKILL of a supervisor to the next turn on its thread, a tick every 10 s"
_ANEW = "the same work"

AGAIN: tuple[Row, ...] = (
    Row("again.none", "bytes that a model must read anew in a work of ten requests", "B"),
    Row(
        "again.rollover", f"{_ANEW}, rolled over in the middle (`agent.max_turns`)", "B", 1.1, True
    ),
    Row("again.failed", f"{_ANEW}, after a turn that failed", "B", 1.1, True),
    Row("again.stall", f"{_ANEW}, after a silence", "B", 1.1, True),
    Row("again.supervisor", f"{_ANEW}, after kill -9 of the supervisor", "B", 1.1, True),
    Row("again.codex", f"{_ANEW}, after kill -9 of Codex", "B", 1.1, True),
    Row("again.both", f"{_ANEW}, after kill -9 of both", "B", 1.1, True),
    Row("again.shutdown", f"{_ANEW}, after SIGTERM to both", "B", 1.1, True),
    Row("again.restart", f"{_ANEW}, after a restart of the machine", "B", 1.1, True),
    Row("again.stop", f"{_ANEW}, after `symphony stop` and `unblock`", "B", 1.1, True),
    Row("again.upgrade", f"{_ANEW}, with another version of Codex from the middle on", "B"),
    Row("again.anew", f"{_ANEW}, with a new thread, as the old one's file is lost", "B"),
)

_CROWD = "tick with Linear, 50 running, 200 queued, 30 blocked, 20 waiting"
_FIRST = "first poll of 10,000 issues of Linear"

LINEAR: tuple[Row, ...] = (
    Row("linear.post.cpu", "one POST by httpx and no more: CPU above the baseline", "s"),
    *_linear("linear.idle", "no issues"),
    *_linear("linear.long", "1,000 finished and 20 waiting issues, 100,000 events"),
    Row(
        "linear.long.growth", "its CPU against the same without the 1,000 finished", "s", 1.1, True
    ),
    Row("linear.crowd.requests", f"{_CROWD}: requests", "", 1.0),
    Row("linear.crowd.points", f"{_CROWD}: points", "", 9_999.0),
    Row("linear.crowd.up", f"{_CROWD}: bytes sent", "B"),
    Row("linear.crowd.down", f"{_CROWD}: bytes received", "B"),
    Row("linear.crowd.cpu", f"{_CROWD}: CPU above the baseline", "s"),
    Row("linear.crowd.wall", f"{_CROWD}: wall time", "s"),
    Row("linear.ways.acted", "of twelve kinds of change to one of them: acted on at once", ""),
    Row("linear.ways.missed", "the others", "", 0.0),
    Row("linear.ways.requests", "the same: most looks in one of these ticks", "", 1.0),
    Row("linear.first.requests", f"{_FIRST}: requests", ""),
    Row("linear.first.ticks", f"{_FIRST}: ticks", ""),
    Row("linear.first.points", f"{_FIRST}: points of the dearest request", "", 9_999.0),
    Row("linear.first.down", f"{_FIRST}: bytes received", "B"),
    Row("linear.first.cpu", f"{_FIRST}: CPU above the baseline", "s"),
    Row("linear.first.wall", f"{_FIRST}: wall time", "s"),
    Row("linear.first.rss", f"{_FIRST}: maximum RSS", "MB"),
    Row("linear.hour.idle", "requests in an hour of idle ticks, one every 30 s", "", 120.0),
    Row("linear.hour.crowd", "the same with the crowd", "", 120.0),
)

_LARGE = "a repository with 480 MB of objects and 20 MB of files"

WORKSPACES: tuple[Row, ...] = (
    Row("s4.mirror.wall", f"mirror of {_LARGE}, against a full clone: wall time", "s"),
    Row("s4.wall", "workspace that borrows from it, against a full clone: wall time", "s", 2.0),
    Row("s4.cpu", "the same: CPU", "s"),
    Row("s4.disk", "the same: disk beyond the files that are checked out", "MB", 0.05, True),
    Row("s4.twenty.wall", "twenty workspaces, against twenty full clones: wall time", "s"),
    Row("s4.twenty.disk", "the same: disk beyond the files", "MB", 0.05, True),
    Row("s4.fetch.wall", "fetch of a new commit while the twenty are read, against alone", "s"),
    Row("cleaning.files", "small files of a removed workspace", "MB"),
    Row("cleaning.wall", "tick while they are deleted, against an idle one: wall time", "s"),
    Row("cleaning.cpu", "the same: CPU", "s", 1.1, True),
)

ROWS: tuple[Row, ...] = (
    Row("baseline.cpu", "`python -c pass`: CPU", "s"),
    Row("baseline.rss", "`python -c pass`: maximum RSS", "MB"),
    Row("baseline.wall", "`python -c pass`: wall time", "s"),
    *_idle("s1.empty", "empty ledger"),
    *_idle("s1.100k", "100,000 events"),
    *_idle("s1.1m", "1,000,000 events", only_full=True),
    Row("s1.timer.cpu", "idle tick of a systemd timer: CPU above the baseline", "s", 0.15),
    Row("replay.cpu", "fold of 100,000 events without a cache: CPU above the baseline", "s"),
    Row("replay.rate", "the same: events folded in a second of CPU", "1/s"),
    Row("replay.rss", "the same: maximum RSS", "MB"),
    Row("s2.rss", "supervisor at ten events a second: RSS", "MB", 15.0),
    Row("s2.peak", "the same: highest RSS so far", "MB", 15.0),
    Row("s2.cpu", "the same: share of a core", "%", 1.0),
    Row("s2.events", "the same: events that arrived in a second", "1/s"),
    *_crowd("s2.ten", 10),
    *_crowd("s2.fifty", 50),
    Row("kill.fastest", f"{_KILL}: the fastest of three", "s"),
    Row("kill.median", "the same: the one in the middle", "s"),
    Row("kill.slowest", "the same: the slowest", "s"),
    Row("kill.backoff", "of it: the wait after a failure", "s"),
    *AGAIN,
    Row("s3.wall", "tick with 50 running and 1,000 queued issues: wall time", "s", 1.0),
    Row("s3.cpu", "the same: CPU above the baseline", "s"),
    Row("s3.rss", "the same: maximum RSS", "MB"),
    *LINEAR,
    *WORKSPACES,
    Row("demo.wall", "`symphony demo`: wall time", "s", 30.0),
)
BY_NAME = {row.name: row for row in ROWS}


def result(name: str, figure: float, baseline: float | None = None) -> Result:
    """A measurement of the row with this name."""
    return Result(BY_NAME[name], figure, baseline)


def expected(*, full: bool) -> tuple[Row, ...]:
    """The rows of a run, in the order of the table."""
    return tuple(row for row in ROWS if full or not row.only_full)
