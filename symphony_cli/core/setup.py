"""What the facts about a set-up mean: WORKFLOW.md, key, tracker, places, budgets, prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symphony_cli.core.examined import (
    EnvFile,
    Folder,
    Memory,
    Prompt,
    Reach,
    Remote,
    Room,
    Temporary,
    Tracker,
    TrackerKey,
    Workflow,
)
from symphony_cli.core.findings import Finding, act, ok, warning
from symphony_cli.core.policy import Policy
from symphony_cli.core.prompt_order import ENOUGH
from symphony_cli.core.snapshot import Disk, Mirrored

FEW_TOKENS = 100_000
"""A smaller budget than this is used up by the first turns of an issue."""

LITTLE_ROOM = 1_000_000_000
"""Bytes below which a disk is nearly full, where no floor says so."""

NEAR = 1.5
"""Times the floor: the next clones may reach it."""


def workflow(seen: Workflow) -> Iterator[Finding]:
    """WORKFLOW.md can be used; each of its warnings is one."""
    if seen.error:
        rest = (
            "Until then its last good copy counts: agents go on and nothing is started."
            if seen.last_good
            else "Until then no command has anything to go by."
        )
        yield act(seen.error, f"Correct it. {rest}")
    for said in seen.warnings:
        yield warning(said, "Correct that line, or leave it if you know.")
    if not seen.error and not seen.warnings:
        yield ok(f"{seen.path} is valid.")


def env_file(seen: EnvFile) -> Iterator[Finding]:
    """symphony.env is there for timers, and private."""
    if seen.fault:
        yield act(seen.fault, "Nothing of that file counts until then.")
    elif seen.there:
        names = ", ".join(seen.names) or "nothing"
        yield ok(f"{seen.path} is yours alone, git leaves it out, and it sets {names}.")
    else:
        yield ok(
            f"There is no {seen.path}.",
            "A timer has a bare environment: PATH and the tracker's key are looked for there.",
        )


def key(seen: TrackerKey) -> Iterator[Finding]:
    """The tracker's key is there, and a timer has it too."""
    if not seen.wanted:
        yield ok("The tracker needs no key.")
    elif not seen.origin:
        yield act(
            f"There is no key for the tracker: {seen.name} is not set.",
            f"Put `{seen.name}=…` into symphony.env beside WORKFLOW.md, and `chmod 600` it.",
        )
    elif seen.origin == "environment":
        yield warning(
            f"The tracker's key comes from {seen.name} in this shell's environment, which a timer "
            "does not have.",
            f"Put `{seen.name}=…` into symphony.env beside WORKFLOW.md, and `chmod 600` it.",
        )
    elif seen.origin == "workflow":
        yield warning(
            "The tracker's key is written into WORKFLOW.md.",
            f"Write $LINEAR_API_KEY there, and the key into symphony.env ({seen.name}=…).",
        )
    else:
        yield ok(f"The tracker's key comes from {seen.name} in symphony.env.")


def tracker(seen: Tracker | None, heard_before: bool) -> Iterator[Finding]:
    """The tracker answers, and has what WORKFLOW.md names; None: it was not asked."""
    if seen is None:
        return
    if seen.put_off:
        yield warning(f"The tracker was not asked: {seen.error}", "Ask again later.")
    elif seen.error:
        if seen.final or not heard_before:
            yield act(seen.error, "Nothing is started until this is mended.")
        else:
            yield warning(seen.error, "It answered before, so this may pass; agents go on.")
        return
    for problem in seen.problems:
        yield act(problem, "Until then nobody is refused, or worked, by that name.")
    for told in seen.unknown:
        yield warning(told, "Correct that issue; it is left alone until then.")
    if seen.unwritable:
        yield act(
            f"{seen.place} cannot be written ({seen.unwritable}), and agents comment and move "
            "their issues there.",
            "Check who owns it.",
        )
    if not (seen.put_off or seen.problems or seen.unknown or seen.unwritable):
        count = "1 issue" if seen.issues == 1 else f"{seen.issues} issues"
        yield ok(f"The tracker ({seen.kind}, {seen.place}) answers, and tells of {count}.")


def folders(seen: Iterable[Folder]) -> Iterator[Finding]:
    """Places that Symphony writes in can be written, and locks there count."""
    for folder in seen:
        yield from _folder(folder)


def _folder(seen: Folder) -> Iterator[Finding]:
    if seen.network:
        yield act(
            f"{seen.path} lies on a network file system ({seen.network}), where locks are not to "
            "be trusted.",
            "Move it to a local disk: `state.path`, or XDG_STATE_HOME for the locks of a user.",
        )
    if seen.unwritable:
        yield act(f"{seen.path} cannot be written ({seen.unwritable}).", "Check who owns it.")
    if seen.open_to_others:
        yield warning(f"Others may write in {seen.path}.", f"Run `chmod go-w {seen.path}`.")
    if seen.tracked:
        yield warning(
            f"Git would take files of {seen.path}, with what agents said, into a commit.",
            "Put that folder into .gitignore.",
        )
    if not (seen.network or seen.unwritable or seen.open_to_others or seen.tracked):
        yield ok(
            f"{seen.path} can be written, on a local disk."
            if seen.there
            else f"{seen.path} is not there yet and can be made."
        )


def memory(seen: Memory) -> Iterator[Finding]:
    """The ledger can be folded, by way of its caches as a tick does."""
    if seen.error:
        yield act(seen.error, "See docs/ledger.md, Damage; nothing is started until then.")
    elif seen.there:
        count = "1 issue" if seen.issues == 1 else f"{seen.issues} issues"
        yield ok(f"The ledger can be read and knows {count}.")
    else:
        yield ok("There is no ledger yet; the first tick makes it.")


def rooms(seen: Iterable[Room], policy: Policy) -> Iterator[Finding]:
    """Enough free disk and inodes, by the floors where they count."""
    for room in seen:
        if room.disk is None:
            yield warning(f"Nobody can tell how much room {room.what} has.", "Check that disk.")
            continue
        floors = (policy.min_free_bytes, policy.min_free_inodes) if room.floored else (0, 0)
        yield _room(room.what, room.disk, *floors)


def _room(what: str, disk: Disk, floor: int, inodes_floor: int) -> Finding:
    found = f"{what} has {disk.free_bytes / 1e9:.1f} GB free at {disk.path}"
    if disk.has_inodes and inodes_floor:
        found += f", and {disk.free_inodes:,} inodes"
    clean = "Free some space: `symphony rescue` and docs/cleaning.md say what may go."
    if disk.free_bytes < floor:
        return act(f"{found}; below {floor / 1e9:.1f} GB nothing is started.", clean)
    if disk.has_inodes and disk.free_inodes < inodes_floor:
        return act(f"{found}; below {inodes_floor:,} inodes nothing is started.", clean)
    if disk.free_bytes < max(floor * NEAR, LITTLE_ROOM):
        floored = f"the floor is {floor / 1e9:.1f} GB" if floor else "no floor is set"
        return warning(f"{found}; {floored}.", clean)
    if disk.has_inodes and disk.free_inodes < inodes_floor * NEAR:
        return warning(f"{found}; the floor is {inodes_floor:,}.", clean)
    return ok(f"{found}.")


def temporary(seen: Iterable[Temporary]) -> Iterator[Finding]:
    """Work does not lie where the system cleans up (row W8)."""
    found = False
    for place in seen:
        found = True
        yield warning(
            f"{place.key} is {place.path}, below {place.below}, which systems clear at times.",
            f"Give {place.key} a lasting place"
            + (", or leave it out for the default." if place.key == "workspace.root" else "."),
        )
    if not found:
        yield ok("Workspaces and mirror lie outside of the folders for temporary files.")


def mirror(seen: Mirrored | None) -> Iterator[Finding]:
    """Workspaces can borrow from the mirror, if one is named."""
    if seen is None:
        yield ok("No mirror is named; each workspace is a clone of its own.")
    elif seen.error:
        yield warning(
            f"The mirror: {seen.error}",
            "Workspaces are cloned without it until it is made and fetched, which runs do.",
        )
    else:
        yield ok(f"The mirror {seen.path} is fit to borrow from.")


def remote(seen: Remote | None) -> Iterator[Finding]:
    """The repository that is cloned answers."""
    if seen is None:
        yield ok("No repository is named, and WORKFLOW.md lies in none: workspaces begin empty.")
    elif seen.error:
        yield act(
            f"{seen.name} does not answer: {seen.error}",
            "Correct `workspace.repo`, or what git needs to reach it: keys, SSH_AUTH_SOCK, proxy.",
        )
    else:
        yield ok(f"{seen.name} answers; it is what is cloned.")


def budgets(policy: Policy, run_limit: float | None) -> Iterator[Finding]:
    """Spending has limits, and they make sense together. `run_limit` in seconds; None is none."""
    each, day = policy.max_tokens_per_issue, policy.max_tokens_per_day
    troubles = []
    if each is None:
        troubles.append(
            warning(
                "agent.max_tokens_per_issue is not set: an issue may spend without limit.",
                "Set it, to 2000000 for example; `symphony metrics` shows what issues cost.",
            )
        )
    elif each < FEW_TOKENS:
        troubles.append(
            warning(
                f"agent.max_tokens_per_issue is {each:,}, which the first turns may use up.",
                f"Set it above {FEW_TOKENS:,}.",
            )
        )
    if each is not None and day is not None and day < each:
        troubles.append(
            warning(
                f"agent.max_tokens_per_day ({day:,}) is less than agent.max_tokens_per_issue "
                f"({each:,}): one issue can use up a day for all.",
                "Raise the first or lower the second.",
            )
        )
    if policy.max_dispatch_attempts is None:
        troubles.append(
            warning(
                "agent.max_dispatch_attempts is not set: an issue without progress is tried for "
                "ever.",
                "Set it, to 8 for example.",
            )
        )
    if run_limit is None:
        troubles.append(
            warning("codex.run_limit_ms is 0: a run may take for ever.", "Leave it out for 8 h.")
        )
    yield from troubles or [ok(_budget_words(policy))]


def _budget_words(policy: Policy) -> str:
    weight = policy.cached_token_weight
    cached = "nothing" if weight == 0 else f"{weight:.0%} of their number"
    return (
        f"An issue may spend {policy.max_tokens_per_issue or 0:,} tokens, of which cached ones "
        f"count {cached}, and take {policy.max_dispatch_attempts} runs without progress."
    )


def prompts(seen: Iterable[Prompt]) -> Iterator[Finding]:
    """Prompts begin with what never changes (row W5)."""
    for prompt in seen:
        yield _prompt(prompt)


def _prompt(seen: Prompt) -> Finding:
    order = seen.order
    if order is None:
        return act(seen.error, "Correct the template; each run would end with this.")
    if order.line == 0:
        return ok(f"{seen.where}: all prompts are the same {order.shared:,} bytes.")
    found = (
        f"{seen.where}: prompts share their first {order.shared:,} bytes, up to line {order.line}, "
        f"with {order.share:.0%} of the static text"
    )
    if order.share >= ENOUGH:
        return ok(f"{found}.")
    return warning(
        f"{found}; {order.after:,} bytes of it come after, where the model's cache cannot hold "
        "them.",
        f"Move what is on line {order.line} behind the static text.",
    )


def reach(seen: Reach) -> Iterator[Finding]:
    """Where an agent, which is this user, could read the tracker's key, or another secret."""
    if seen.key.origin == "workflow":
        yield warning(
            f"An agent can read the tracker's key in {seen.workflow}.",
            "Move it into symphony.env, and make a new key.",
        )
    for name in seen.exported:
        yield warning(
            f"{name} with the tracker's key is in the environment of whoever started this: other "
            "processes of yours, agents too, can read it there.",
            "Take it out of your shell's or timer's settings; symphony.env is enough.",
        )
    for place in seen.timers:
        yield warning(
            f"The tracker's key is written into {place}, where agents can read it.",
            "Move it into symphony.env.",
        )
    if seen.traceable and seen.key.origin:
        yield warning(
            "Agents have no sandbox, and this kernel lets a process trace others of its user: the "
            "key can be taken out of the memory of a process of ours.",
            "Run `sysctl kernel.yama.ptrace_scope=1`, or give agents a sandbox.",
        )
    if seen.key.origin == "file":
        yield ok(
            f"Agents run as you, so they can read {seen.env_file} with the key.",
            "Where that matters run Symphony as a user of its own or in a container.",
        )
    elif not seen.key.origin:
        yield ok("There is no key of a tracker that an agent could read.")
    if seen.passed_on:
        yield ok(
            f"Variables that look like secrets reach agents: {', '.join(seen.passed_on)}.",
            "Name those that they do not need in `codex.env_exclude`.",
        )
