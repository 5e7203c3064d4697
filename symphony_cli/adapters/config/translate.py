"""From the keys of WORKFLOW.md to the values of `core`: milliseconds become seconds, names normal.

Sizes are decimal: 1 GB is 10⁹ bytes, 1 MB is 10⁶.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.adapters import workflow_git
from symphony_cli.adapters.config import values
from symphony_cli.adapters.config.root import Config
from symphony_cli.adapters.frontmatter import Document
from symphony_cli.core.issue import norm
from symphony_cli.core.policy import STOP_LABELS, Policy, Rules
from symphony_cli.core.run import CodexSettings, Hooks, RunLimits, WorkspaceSettings
from symphony_cli.errors import ConfigError
from symphony_cli.ids import digest
from symphony_cli.paths import user_state

SHORTEST_START = 60.0
"""Seconds that a start-up of Codex always gets, whatever `codex.read_timeout_ms` says."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths; "" where there is none. `repo` may be a URL."""

    state: str
    root: str
    issues: str
    home: str
    repo: str
    mirror: str
    shared: tuple[str, ...]


def places(
    document: Document,
    config: Config,
    environ: Mapping[str, str],
    repo: workflow_git.Repository | None,
) -> Places:
    """Every place that WORKFLOW.md names, or its default.

    Raises:
        ConfigError: a path uses a variable as a part of itself.
    """
    folder = document.path.parent

    def place(section: str, key: str, value: str | None, default: str = "") -> str:
        try:
            return values.path(value, environ, folder, default)
        except ValueError as error:
            line = document.line((section, key))
            raise ConfigError(f"{document.path}, line {line}: {section}.{key}: {error}.") from error

    def where(default: str) -> str:
        return str(folder / default)

    shared = (place("workspace", "shared_dirs", item) for item in config.workspace.shared_dirs)
    return Places(
        state=place("state", "path", config.state.path, where("state")),
        root=place("workspace", "root", config.workspace.root, _default_root(folder, environ)),
        issues=place("tracker", "path", config.tracker.path, where("issues")),
        home=place("codex", "home", config.codex.home),
        repo=_repo(config, environ, folder, repo),
        mirror=place("workspace", "mirror_path", config.workspace.mirror_path),
        shared=tuple(path for path in shared if path),
    )


def _default_root(folder: Path, environ: Mapping[str, str]) -> str:
    name = f"{_UNSAFE.sub('_', folder.name) or 'root'}-{digest(str(folder))}"
    return str(user_state(environ) / "workspaces" / name)


def _repo(
    config: Config,
    environ: Mapping[str, str],
    folder: Path,
    repo: workflow_git.Repository | None,
) -> str:
    named = values.text(config.workspace.repo, environ)
    if named:
        return workflow_git.absolute_url(values.home_expanded(named, environ), folder)
    if repo is None:
        return ""
    return workflow_git.origin(repo, environ) or str(repo.top)


def normed(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they are compared, each once."""
    return tuple(dict.fromkeys(norm(name) for name in names))


def rules(config: Config, assignee: str, project: str = "") -> Rules:
    """Which issues are ours."""
    section = config.tracker
    active = normed(section.active_states)
    blocked = section.blocked_states
    stop = normed(config.agent.stop_continue_labels)
    return Rules(
        active_states=active,
        terminal_states=normed(section.terminal_states),
        blocked_states=active[:1] if blocked is None else normed(blocked),
        required_labels=normed(section.required_labels),
        stop_labels=normed((*(label for label in stop if label), *STOP_LABELS)),
        assignee=assignee or None,
        project=project if project and section.kind == "linear" else None,
    )


def named(config: Config) -> dict[str, tuple[str, ...]]:
    """The names that a tracker must have, by key of the file: what is written there, and is acted
    on. Defaults are not in it."""
    tracker, agent = config.tracker, config.agent
    names: dict[str, Iterable[str]] = {
        "tracker.active_states": tracker.active_states,
        "tracker.terminal_states": tracker.terminal_states,
        "tracker.blocked_states": tracker.blocked_states or (),
        "tracker.required_labels": tracker.required_labels,
        "agent.stop_continue_labels": agent.stop_continue_labels,
        "agent.max_concurrent_agents_by_state": agent.max_concurrent_agents_by_state,
        "agent.prompt_template_by_state": agent.prompt_template_by_state,
        "agent.fresh_thread_states": agent.fresh_thread_states,
        "agent.rework_states": agent.rework_states,
    }
    written = {f"tracker.{key}" for key in tracker.model_fields_set}
    written |= {f"agent.{key}" for key in agent.model_fields_set}
    listed = {key: tuple(n for n in names[key] if n.strip()) for key in names if key in written}
    return {key: found for key, found in listed.items() if found}


def policy(config: Config, assignee: str, project: str = "") -> Policy:
    """What the plan goes by."""
    agent = config.agent
    return Policy(
        rules=rules(config, assignee, project),
        interval=config.polling.interval_ms / 1000,
        slots=agent.max_concurrent_agents,
        slots_by_state={norm(k): n for k, n in agent.max_concurrent_agents_by_state.items()},
        queue_order=agent.queue_order,
        backoff_cap=agent.max_retry_backoff_ms / 1000,
        max_tokens_per_issue=agent.max_tokens_per_issue,
        max_tokens_per_day=agent.max_tokens_per_day,
        budget_warning=agent.budget_warning,
        max_dispatch_attempts=agent.max_dispatch_attempts,
        max_rework_cycles=agent.max_rework_cycles,
        rework_states=normed(agent.rework_states),
        cached_token_weight=agent.cached_token_weight,
        max_turns=agent.max_turns,
        fresh_thread_states=normed(agent.fresh_thread_states),
        handoff_grace=agent.handoff_grace_ms / 1000,
        min_free_bytes=round(config.workspace.min_free_gb * 10**9),
        min_free_inodes=config.workspace.min_free_inodes,
        keep_workspaces=config.workspace.keep_last_n,
        max_workspaces_bytes=_bytes(config.workspace.max_total_gb),
        keep_run_days=config.state.keep_days,
    )


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else round(gigabytes * 10**9)


def workspace(config: Config, places: Places) -> WorkspaceSettings:
    """Where an issue is worked."""
    section, hooks = config.workspace, config.hooks
    return WorkspaceSettings(
        root=places.root,
        branch=section.branch or "",
        repo=places.repo,
        env=dict(section.env),
        shared_dirs=places.shared,
        rescue_max_bytes=round(section.rescue_max_mb * 10**6),
        mirror=places.mirror,
        hooks=Hooks(
            after_create=hooks.after_create,
            before_run=hooks.before_run,
            after_run=hooks.after_run,
            before_remove=hooks.before_remove,
            timeout=hooks.timeout_ms / 1000,
        ),
    )


def codex(config: Config, places: Places) -> CodexSettings:
    """How Codex is started and answered; a stall timeout of 0 switches that limit off."""
    section = config.codex
    answer = "accept" if section.approval_policy == "never" else "decline"
    return CodexSettings(
        command=section.command,
        home=places.home,
        env_exclude=section.env_exclude,
        approval_policy=section.approval_policy,
        thread_sandbox=section.thread_sandbox,
        turn_sandbox_policy=section.turn_sandbox_policy,
        approval_answer=section.approval_answer or answer,
        input_answer=section.input_answer,
        elicitation_policy=section.elicitation_policy,
        start_timeout=max(SHORTEST_START, section.read_timeout_ms / 1000),
        stall_timeout=section.stall_timeout_ms / 1000,
        turn_silence=section.turn_timeout_ms / 1000,
        command_timeout=section.command_timeout_ms / 1000,
        turn_limit=section.turn_limit_ms / 1000 or None,
        run_limit=section.run_limit_ms / 1000 or None,
        max_stall_recoveries=section.max_stall_recoveries,
    )


def limits(config: Config) -> RunLimits:
    """What one run may use up."""
    agent = config.agent
    return RunLimits(agent.max_turns, agent.max_tokens_per_issue, agent.cached_token_weight)


def templates(config: Config) -> dict[str, str]:
    """Prompts by state, in normal form."""
    written = config.agent.prompt_template_by_state
    return {norm(state): text for state, text in written.items()}
