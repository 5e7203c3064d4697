"""A sandbox that does not work, as it looks in the items of Codex 0.163 and 0.169."""

from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.supervisor.notices import ItemCompleted, understand
from symphony_cli.supervisor.protocol import Notice
from symphony_cli.supervisor.sandbox import SandboxWatch

NO_NAMESPACES = (
    "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces "
    "exceeded (ENOSPC)\n"
)
PANIC = "\nthread 'main' (1010) panicked at linux-sandbox/src/linux_run_main.rs:416:9:\nno\n"


def ended(kind: str, status: str, output: str = "") -> ItemCompleted:
    """What becomes of a notice as Codex writes it."""
    item: dict[str, Any] = {"type": kind, "id": "call_1", "status": status}
    if kind == "commandExecution":
        item |= {"aggregatedOutput": output, "exitCode": 0 if status == "completed" else 1}
    told = understand(Notice("item/completed", {"threadId": "t", "turnId": "u", "item": item}))
    assert isinstance(told, ItemCompleted)
    return told


REFUSED = ended("commandExecution", "failed", NO_NAMESPACES)
UNWRITTEN = ended("fileChange", "failed")
WORKED = ended("commandExecution", "completed", "hi\n")
FAILED = ended("commandExecution", "failed", "grep: nothing\n")
WRITTEN = ended("fileChange", "completed")
DECLINED = ended("commandExecution", "declined")
SAID = ItemCompleted("t", "msg_1", "agentMessage", "hello")


def outcomes(*items: ItemCompleted) -> list[bool]:
    """After which of these the fault is told."""
    watch = SandboxWatch()
    return [watch.take(item) is not None for item in items]


@pytest.mark.parametrize(
    "items",
    [
        (REFUSED, REFUSED),
        (REFUSED, UNWRITTEN),
        (ended("commandExecution", "failed", PANIC), REFUSED),
    ],
    ids=["two commands", "a command and a patch", "the sandbox itself broke"],
)
def test_two_refusals_before_anything_worked_are_told_once(
    items: tuple[ItemCompleted, ...],
) -> None:
    assert outcomes(SAID, *items, DECLINED, *items) == [False, False, True, False, False, False]


def test_patches_that_cannot_be_applied_say_nothing_of_the_sandbox() -> None:
    assert outcomes(UNWRITTEN, UNWRITTEN, UNWRITTEN, WORKED) == [False] * 4


@pytest.mark.parametrize("worked", [WORKED, FAILED, WRITTEN])
def test_where_one_command_or_patch_got_through_the_sandbox_works(worked: ItemCompleted) -> None:
    assert not any(outcomes(REFUSED, worked, REFUSED, REFUSED, UNWRITTEN))


def test_what_a_person_or_the_policy_declined_says_nothing() -> None:
    assert outcomes(DECLINED, REFUSED, DECLINED, SAID, REFUSED)[-1]


def test_the_fault_is_the_machines_and_says_what_to_change() -> None:
    watch = SandboxWatch()
    watch.take(REFUSED)
    fault = watch.take(REFUSED)
    assert fault is not None and fault[:2] == (Outcome.ENVIRONMENT, "sandbox")
    assert f"({NO_NAMESPACES.strip()})" in fault.detail
    assert "codex.turn_sandbox_policy" in fault.detail
