"""`symphony doctor`: one check after the other, each with what it found and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from symphony_cli.core import diagnosis, setup
from symphony_cli.core.findings import Finding, act, exit_code
from symphony_cli.core.secrets import redact
from symphony_cli.ports import Examiner

Judged = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. Those that go by what WORKFLOW.md says are left out without one."""

    name: str
    examine: Callable[[Examiner], Judged]
    goes_by_workflow: bool = True


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """All findings in the order of the checks; `left_out` are checks that had nothing to go by."""

    exit_code: int
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()
    as_cron: bool = False
    bundle: str = ""
    """The file that was written for a bug report."""
    contents: tuple[str, ...] = ()
    """What is in it."""


def _tracker(eyes: Examiner) -> Judged:
    heard_before = eyes.rhythm().last.facts_as_of is not None
    return setup.tracker(eyes.tracker(), heard_before)


def _rooms(eyes: Examiner) -> Judged:
    return () if eyes.rules is None else setup.rooms(eyes.rooms(), eyes.rules[0])


def _budgets(eyes: Examiner) -> Judged:
    if eyes.rules is None:
        return ()
    policy, settings = eyes.rules
    return setup.budgets(policy, settings.codex.run_limit)


CHECKS = (
    Check("platform", lambda eyes: diagnosis.platform(eyes.platform()), False),
    Check("workflow", lambda eyes: setup.workflow(eyes.workflow()), False),
    Check("env-file", lambda eyes: setup.env_file(eyes.env_file()), False),
    Check("git", lambda eyes: diagnosis.git(eyes.git()), False),
    Check("cron", lambda eyes: diagnosis.bare(eyes.bare()), False),
    Check("codex", lambda eyes: diagnosis.codex(eyes.codex())),
    Check("login", lambda eyes: diagnosis.login(eyes.login())),
    Check("sandbox", lambda eyes: diagnosis.sandbox(eyes.sandbox())),
    Check("key", lambda eyes: setup.key(eyes.key())),
    Check("tracker", _tracker),
    Check("repository", lambda eyes: setup.remote(eyes.remote())),
    Check("state", lambda eyes: setup.folders(eyes.folders())),
    Check("ledger", lambda eyes: setup.memory(eyes.memory())),
    Check("disk", _rooms),
    Check("places", lambda eyes: setup.temporary(eyes.temporary())),
    Check("mirror", lambda eyes: setup.mirror(eyes.mirror())),
    Check("timer", lambda eyes: diagnosis.rhythm(eyes.rhythm())),
    Check("last-tick", lambda eyes: diagnosis.last_tick(eyes.rhythm())),
    Check("budgets", _budgets),
    Check("prompt", lambda eyes: setup.prompts(eyes.prompts())),
    Check("secrets", lambda eyes: setup.reach(eyes.reach())),
)
"""In the order in which a newcomer can mend things: what comes first, the rest builds on."""


def doctor(
    eyes: Examiner,
    *,
    as_cron: bool = False,
    on_start: Callable[[str], None] = lambda name: None,
    on_finding: Callable[[Finding], None] = lambda finding: None,
    checks: Iterable[Check] = CHECKS,
) -> DoctorResult:
    """Make all checks; `on_start` is told the name of each, `on_finding` what comes of it.

    A check that fails by a bug of ours is a finding too, and the next ones are made.
    """
    found: list[Finding] = []
    left_out: list[str] = []
    for check in checks:
        if check.goes_by_workflow and eyes.rules is None:
            left_out.append(check.name)
            continue
        on_start(check.name)
        for finding in _findings(check, eyes):
            found.append(finding)
            on_finding(finding)
    return DoctorResult(exit_code(found), tuple(found), tuple(left_out), as_cron)


def _findings(check: Check, eyes: Examiner) -> Iterator[Finding]:
    try:
        judged = [*check.examine(eyes)]
    except Exception as error:  # noqa: BLE001 - doctor is for broken set-ups: it tells and goes on
        sentence = f"This check failed by a bug of ours: {type(error).__name__}: {error}"
        judged = [act(sentence, "Please report it; the other checks are not touched by it.")]
    for finding in judged:
        found, remedy = (redact(text, eyes.secrets) for text in (finding.found, finding.remedy))
        yield replace(finding, found=found, remedy=remedy, name=check.name)
