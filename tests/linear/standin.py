"""`World` on the stand-in for Linear that executes the whole published schema.

Once as it is by default, and once strict: with every doubt about the live service decided the other
way. A client must not depend on either.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from tests.fakes.linear.control import LABELS, PEOPLE, PROJECT
from tests.fakes.linear.times import printed
from tests.linear.standin_person import StandInPerson, truth_of
from tests.linear.standin_process import StandInProcess
from tests.linear.world import Asked, Bump, Kind, Truth

KEY = "lin_api_of_nobody"

STRICT_LAG = 1.5

STRICT = {
    "complexity_mode": "documented",
    "bump_on": dict.fromkeys(get_args(Bump), True),
    "read_lag_ms": int(STRICT_LAG * 1000),
    "history_merge_s": 600,
}
"""What `/config` takes."""


class StandInWorld:
    """A workspace on a stand-in: as it is by default, or strict."""

    key = KEY
    project = PROJECT

    def __init__(self, process: StandInProcess, *, strict: bool = False) -> None:
        self._process, self._strict = process, strict
        self.name = "standin-strict" if strict else "standin"
        self.lags = STRICT_LAG if strict else 0.0
        self.endpoint = process.endpoint
        self.person = StandInPerson(process)
        self.reset()

    def reset(self, *teams: str) -> None:
        self._lag, self._lagging_until = self.lags, 0.0
        keys = [{"key": key, "name": _team_name(key)} for key in teams or ("ENG",)]
        projects = [{"name": "Symphony", "slugId": PROJECT}]
        seed = {"issues": 0, "users": list(PEOPLE), "labels": list(LABELS)}
        self._process.call("/reset", {**seed, "teams": keys, "projects": projects})
        self._configure(accept_any_key=False, keys={KEY: {}})
        if self._strict:
            self._configure(**STRICT)
            self._process.call("/limits", {"headers": "ok_only"})

    def create(self, title: str = "Something to do", *, state: str = "Todo") -> Truth:
        return self.person.create(title, state=state)

    def issue(self, ref: str) -> Truth:
        return truth_of(self._process.call(f"/issue/{ref}", method="GET"))

    def add_team(self, key: str) -> None:
        teams = [{"key": key, "name": _team_name(key)}]
        self._process.call("/seed", {"keep": True, "issues": 0, "teams": teams})

    def add_project(self, name: str, slug: str) -> None:
        self._board("add_project", name=name, slugId=slug)

    def add_state(self, name: str, type: str = "started", team: str = "ENG") -> None:
        self._board("add_state", name=name, type=type, team=team)

    def add_label(self, name: str, team: str | None = "ENG", *, group: bool = False) -> None:
        self._board("create_label", name=name, team=team, group=group)

    def rename_state(self, name: str, new: str, team: str = "ENG") -> None:
        self._board("rename_state", state=name, name=new, team=team)

    def rename_label(self, name: str, new: str) -> None:
        self._board("rename_label", label=name, name=new)

    def asked(self) -> list[Asked]:
        return [_asked(line) for line in self._log()]

    def requests(self) -> int:
        return int(self._process.call("/counters", method="GET")["requests"])

    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked()]

    def max_points(self) -> float | None:
        costs = [line["complexity_documented"] for line in self._log() if "complexity" in line]
        return float(max(costs)) if costs else None

    def fault(
        self,
        kind: Kind,
        *,
        times: int = 1,
        operation: str = "",
        status: int | None = None,
        seconds: float = 3600.0,
        headers: bool = True,
    ) -> None:
        name = {"status": "http_status", "cut_after_apply": "cut"}.get(kind, kind)
        rule: dict[str, Any] = {"kind": name, "count": times, "seconds": seconds}
        if kind == "cut_after_apply":
            rule["after_apply"] = True
        if kind == "ratelimited":
            rule["headers"] = headers
        if operation:
            rule["match"] = {"operation": operation}
        if status is not None:
            rule["status"] = status
        self._process.call("/faults", rule)

    def mend(self) -> None:
        self._process.call("/faults", method="DELETE")

    def drain(self, left: float = 0) -> None:
        self._process.call("/limits", {"requests_remaining": left})

    def limit(self, requests: float) -> None:
        self._process.call("/limits", {"api_key": {"requests": requests}})

    def lag(self, seconds: float) -> None:
        self._configure(read_lag_ms=int(seconds * 1000))
        self._lagging_until = max(self._lagging_until, time.monotonic() + self._lag)
        self._lag = seconds

    def clock(self, offset: float) -> None:
        self._process.call("/clock", {"offset_ms": int(offset * 1000)})

    def hold(self, at: datetime) -> None:
        self._process.call("/clock", {"mode": "frozen", "now": printed(at)})

    def advance(self, seconds: float) -> None:
        left = max(self._lag, self._lagging_until - time.monotonic())
        if left > 0:
            time.sleep(min(left, seconds))
        self._process.call("/clock", {"advance_ms": int(seconds * 1000)})

    def bump(self, kind: Bump, on: bool = True) -> None:
        self._configure(bump_on={kind: on})

    def revoke(self, revoked: bool = True) -> None:
        self._configure(keys={} if revoked else {KEY: {}})

    def accept(self, key: str) -> None:
        self._configure(keys={KEY: {}, key: {}})

    def labels_by_owners(self, on: bool = True) -> None:
        self._configure(team_label_management="owners" if on else "members")

    def escape_names(self, on: bool = True) -> None:
        self._configure(html_escape_names=on)

    def _configure(self, **switches: Any) -> None:
        self._process.call("/config", switches)

    def _board(self, op: str, **more: Any) -> None:
        self._process.call("/mutate", {"ops": [{"op": op, **more}]})

    def _log(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self._process.call("/log?limit=2000", method="GET")[
            "requests"
        ]
        return lines


def _asked(line: Mapping[str, Any]) -> Asked:
    return Asked(
        operation=line["op"] or "",
        kind=line["type"] or "",
        fields=tuple(line["fields"]),
        variables=line["variables"] or {},
        status=line["status"],
        points=line.get("complexity_documented"),
    )


def _team_name(key: str) -> str:
    return "Engineering" if key == "ENG" else f"Team {key}"
