"""Where plugs meet sockets: the only room that knows the adapters.

Thin functions that an errand or a command calls; imports are inside, so that nobody pays for an
adapter that is not used (Jinja2 alone is 50 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from symphony_cli import clock
from symphony_cli.core.issue import Comment
from symphony_cli.core.run import Brief, GitFacts, Order
from symphony_cli.paths import StatePaths
from symphony_cli.ports import Tracker


def open_tracker(order: Order) -> Tracker:
    """The tracker that an order's issue comes from.

    Raises:
        ConfigError: this version has no such tracker.
    """
    from symphony_cli.adapters.markdown_tracker import open_reference

    settings, state = order.settings, StatePaths(Path(order.state_dir))
    return open_reference(settings.tracker, settings.rules, state, clock.now)


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
    log: Path,
    on_group: Callable[[int], None],
    secrets: Sequence[str],
) -> tuple[Brief, tuple[str, ...]]:
    """Make or heal the workspace of an order's issue: where it is and what it stands on, and in
    sentences what was healed or is odd.

    Raises:
        WorkspaceError: it cannot be made or trusted.
        HookFailed: `after_create` failed.
    """
    from symphony_cli.adapters import workspaces

    made = workspaces.ensure(order, dict(environment), log, on_group=on_group, secrets=secrets)
    return Brief(workspace=str(made.path), branch=made.branch, base=made.base), made.notes


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
    script = {"before_run": hooks.before_run, "after_run": hooks.after_run}[name]
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
