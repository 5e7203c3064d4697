"""Where plugs meet sockets: the only room that knows the adapters.

Thin functions that an errand or a command calls; imports are inside, so that nobody pays for an
adapter that is not used (Jinja2 alone is 50 ms).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from symphony_cli import clock
from symphony_cli.core.issue import Comment
from symphony_cli.core.policy import STOP_LABELS
from symphony_cli.core.removal import Tidying
from symphony_cli.core.run import Brief, GitFacts, Order
from symphony_cli.core.shape import Json
from symphony_cli.errors import KeyRejected
from symphony_cli.ids import IssueId
from symphony_cli.paths import RunPaths, StatePaths
from symphony_cli.ports import Tracker

READ_PATIENCE = 30.0
"""Seconds for which an errand repeats a read that fails for a reason that may pass, unless it says
otherwise."""


def open_tracker(
    order: Order, secrets: Sequence[str] = (), patience: float = READ_PATIENCE
) -> Tracker:
    """The tracker that an order's issue comes from; its key is the first of `secrets`. A read that
    fails for a reason that may pass is repeated for `patience` seconds.

    Raises:
        ConfigError: this version has no such tracker.
    """
    from symphony_cli.adapters.trackers import Opening, open_tracker

    settings, state = order.settings, StatePaths(Path(order.state_dir))
    how = Opening(patience=patience, ours=False, yields=True)
    return open_tracker(
        settings.tracker, settings.rules, state, clock.now, os.environ, secrets, how
    )


TOOL_PATIENCE = 20.0
"""Seconds for which a tool of an agent repeats a read; the whole call is ended after a minute."""


def open_tool(
    order: Order, secrets: Sequence[str], changing: Callable[[], None]
) -> Callable[[Json], tuple[bool, str]]:
    """The tool `linear_graphql` of a run: from arguments to success and a text. `changing` is
    called before and after what may change something; the key is the first of `secrets`.

    Raises:
        KeyRejected: there is no key.
    """
    from symphony_cli.adapters.linear.agent_targets import Scope
    from symphony_cli.adapters.linear.guard import Reach
    from symphony_cli.adapters.linear.tool import Tool, linear_graphql
    from symphony_cli.adapters.trackers import Opening, open_allowance, open_transport

    if not secrets:
        raise KeyRejected("Symphony has no key for Linear now; only its operator can change that.")
    ref, issue, rules = order.settings.tracker, order.issue, order.settings.rules
    reach = Reach(ref.tool_writes, issue.id, issue.identifier, aliases=(order.key,))
    scope = Scope(reach, ref.project, (*rules.stop_labels, *STOP_LABELS))
    allowance = open_allowance(secrets[0], os.environ, clock.now)
    how = Opening(patience=TOOL_PATIENCE, ours=False, yields=True)
    linear = open_transport(ref, secrets[0], allowance, os.environ, how)
    return partial(linear_graphql, tool=Tool(linear, scope, changing))


def take_refresh_lock(state: StatePaths) -> Callable[[], None] | None:
    """Become the errand that asks the tracker for all runs: how to stop being it, or None when
    another one is.

    Raises:
        StateError: the lock cannot be made.
    """
    from symphony_cli.adapters import refresh_share

    return refresh_share.take(state.refresh_lock)


def living_issues(order: Order) -> frozenset[IssueId]:
    """The issues of an order's workflow and tracker whose runs are alive.

    Raises:
        StateError: the folder of runs cannot be listed.
    """
    from symphony_cli.adapters import refresh_share

    return refresh_share.living(StatePaths(Path(order.state_dir)), order.settings.tracker)


def prompt(order: Order, comments: Sequence[Comment]) -> tuple[str, str]:
    """The prompt of a run, and what its thread is told in later turns.

    Raises:
        PromptError: the template does not render for this issue.
    """
    from symphony_cli.adapters import prompt as prompts

    text = prompts.render(
        order.settings.prompt,
        order.issue,
        order.attempt if order.attempt > 1 else None,
        order.retry_kind,
        order.previous,
        comments,
    )
    return text, prompts.continuation()


def rooted(order: Order) -> Order:
    """`order` with the workspace root of the issue's first run; never raises."""
    from symphony_cli.adapters import workspaces

    return workspaces.rooted(order)


def standing_workspace(order: Order) -> str:
    """The workspace of the issue's earlier runs, or nothing when this order may not touch it."""
    from symphony_cli.adapters import workspaces

    return workspaces.standing(order)


def make_workspace(
    order: Order,
    environment: Mapping[str, str],
    paths: RunPaths,
    on_group: Callable[[int], None],
    secrets: Sequence[str],
) -> tuple[Brief, tuple[str, ...]]:
    """Make or heal the workspace of an order's issue: where it is and what it stands on, and in
    sentences what was healed or is odd. Output of git and hooks goes to the log of the run.

    Raises:
        WorkspaceError: it cannot be made or trusted.
        HookFailed: `after_create` failed.
    """
    from symphony_cli.adapters import workspaces

    made = workspaces.ensure(
        order,
        dict(environment),
        paths.log,
        on_group=on_group,
        secrets=secrets,
        fetch=partial(fetch_mirror, order, paths.folder, environment),
    )
    return Brief(workspace=str(made.path), branch=made.branch, base=made.base), made.notes


def fetch_mirror(order: Order, run: Path, environment: Mapping[str, str]) -> None:
    """Start the errand that makes or fetches the mirror, if the order names one and it is time;
    never waits, never raises."""
    from symphony_cli.adapters import borrowing

    settings = order.settings.workspace
    borrowing.keep_fresh(settings.mirror, settings.repo, run, environment)


def update_mirror(order: Order, environment: Mapping[str, str], lock: int) -> str:
    """Make or fetch the mirror that an order names, under its lock; what went wrong, or nothing.

    Raises:
        StateError: how it went cannot be written down.
    """
    from symphony_cli.adapters import mirror

    settings = order.settings.workspace
    one = mirror.mirror(settings.mirror, settings.repo)
    return mirror.update(one, environment, lock) if one else "WORKFLOW.md names no mirror."


def find_merged(
    order: Order,
    brief: Brief,
    environment: Mapping[str, str],
    on_group: Callable[[int], None],
) -> tuple[str, str]:
    """In words how the issue's work came into the remote's default branch, or nothing when it is
    not known to be there; and a note on what could not be found out. Never raises."""
    from symphony_cli.adapters import gitstore, merged, trunk

    remote = trunk.Remote(order.settings.workspace.repo, environment, on_group)
    found = merged.find_merged(gitstore.site(order, brief), order.merged, remote)
    return found.merged, found.note


def run_hook(
    name: str,
    order: Order,
    workspace: str,
    environment: Mapping[str, str],
    log: Path,
    on_group: Callable[[int], None],
    secrets: Sequence[str],
) -> None:
    """Run a hook of WORKFLOW.md, if it has that one; its output goes to `log` without secrets.

    Raises:
        HookFailed: it ended with an error or took too long.
    """
    hooks = order.settings.workspace.hooks
    script = {
        "before_run": hooks.before_run,
        "after_run": hooks.after_run,
        "before_remove": hooks.before_remove,
    }[name]
    from symphony_cli.adapters import hooks as runner

    runner.run_hook(
        name,
        script,
        Path(workspace),
        environment,
        hooks.timeout,
        log,
        on_group=on_group,
        secrets=secrets,
    )


def git_facts(order: Order, brief: Brief) -> GitFacts:
    """Keep the work of a run in the rescue store, and say what is in its workspace."""
    from symphony_cli.adapters import gitstore

    return gitstore.rescue(gitstore.site(order, brief), clock.now())


def removable_workspace(order: Order) -> Path | None:
    """The workspace that an order wants removed; None when it is gone.

    Raises:
        WorkspaceError: it is a link, lies outside of its root, or is another project's.
    """
    from symphony_cli.adapters import workspaces

    return workspaces.removable(order)


def keep_work(order: Order, workspace: Path) -> GitFacts:
    """Keep in the rescue store what only this workspace has, and say what is in it. Of an empty
    folder nothing has to be kept."""
    if not any(workspace.iterdir()):
        return GitFacts()
    return git_facts(order, Brief(workspace=str(workspace)))


def bury_workspace(order: Order, workspace: Path) -> None:
    """Move a workspace into the trash of its root.

    Raises:
        WorkspaceError, StateError: it is where it was.
    """
    from symphony_cli.adapters import burial

    burial.bury(_root(order), order.key, workspace)


def empty_trash(order: Order) -> Sequence[str]:
    """Delete what is in the trash; what could not be deleted, in sentences."""
    from symphony_cli.adapters import burial

    return burial.empty(_root(order))


def disk_use(workspace: str, patience: float) -> int:
    """Bytes of disk that a workspace takes; at least so much, when the time runs out."""
    from symphony_cli.adapters import burial

    until = clock.monotonic() + patience
    return burial.disk_use(Path(workspace), enough=lambda: clock.monotonic() > until)


def _root(order: Order) -> Path:
    return Path(os.path.realpath(order.settings.workspace.root))


def tidy(state: StatePaths, what: Tidying) -> Sequence[str]:
    """Remove old transcripts and run folders, and empty the trash; troubles in sentences. Nothing
    is done when another process is at it."""
    from symphony_cli.adapters import tidying

    return tidying.tidy(state, what) or ()
