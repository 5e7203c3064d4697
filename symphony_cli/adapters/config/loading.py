"""Read, check and resolve a WORKFLOW.md: the one place where file, environment and git meet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from symphony_cli.adapters import workflow_git
from symphony_cli.adapters.config import translate, values
from symphony_cli.adapters.config.problems import oddities, place, validated
from symphony_cli.adapters.config.root import Config
from symphony_cli.adapters.config.translate import Places
from symphony_cli.adapters.frontmatter import Document, read_document
from symphony_cli.adapters.workflow import TrackerConfig, Workflow
from symphony_cli.core.run import PromptSettings, Settings, TrackerRef
from symphony_cli.core.secrets import SHORTEST, bare, spellings
from symphony_cli.errors import ConfigError

LINEAR_KEY = "LINEAR_API_KEY"
LINEAR_ASSIGNEE = "LINEAR_ASSIGNEE"


def load(
    path: Path, environ: Mapping[str, str], *, check_templates: bool, need_key: bool
) -> Workflow:
    """What `workflow.load_workflow` promises, for an absolute path."""
    document = read_document(path)
    if "tracker" not in document.front:
        raise _no_tracker(document)
    config = validated(document)
    repo = workflow_git.repository(path.parent, environ)
    places = translate.places(document, config, environ, repo)
    key, key_name, names = _key(document, config, environ)
    if not key and need_key and config.tracker.kind == "linear":
        raise _fault(document, "api_key", _MISSING_KEY)
    _refuse_exposed_key(document, config, environ, key)
    if check_templates:
        _check_templates(document, config)
    tracker = _tracker(document, config, environ, places, key)
    return Workflow(
        path=path,
        text_hash=document.text_hash,
        policy=translate.policy(config, tracker.assignee, tracker.project_slug),
        settings=_settings(document, config, places, tracker, (key_name, names), repo),
        tracker=tracker,
        state_dir=Path(places.state),
        secrets=spellings(key),
        warnings=(*oddities(document, config), *_contradictions(document, config)),
    )


_MISSING_KEY = (
    "is missing: put LINEAR_API_KEY=… into symphony.env beside WORKFLOW.md, or set that variable"
)


def _no_tracker(document: Document) -> ConfigError:
    if document.has_front:
        return ConfigError(
            f"{document.path}, line 1: tracker.kind is missing; write `tracker:` and below it"
            " `kind: linear` or `kind: markdown`."
        )
    return ConfigError(
        f"{document.path}, line 1: there is no front matter, only a prompt; begin the file with a"
        " line of three dashes, `tracker:`, `  kind: markdown` (or linear), three dashes."
    )


def _fault(document: Document, key: str, message: str) -> ConfigError:
    line, name = place(document, ("tracker", key))
    return ConfigError(f"{document.path}, line {line}: {name} {message}.")


def _key(
    document: Document, config: Config, environ: Mapping[str, str]
) -> tuple[str, str, tuple[str, ...]]:
    """The tracker's key, the variable that it was taken from, and every variable that holds it
    (with or without "Bearer") or was asked for it."""
    written = config.tracker.api_key
    name = values.variable(written)
    names = {LINEAR_KEY} | ({name} if name else set())
    if written is None or (name is not None and name not in environ):
        name = LINEAR_KEY if config.tracker.kind == "linear" else None
        key = environ.get(name, "").strip() if name is not None else ""
    else:
        key = values.text(written, environ)
    if len(key) >= SHORTEST:
        names.update(held for held, value in environ.items() if bare(value) == bare(key))
    return key, name or "", tuple(sorted(names))


def _refuse_exposed_key(
    document: Document, config: Config, environ: Mapping[str, str], key: str
) -> None:
    written = config.tracker.api_key
    literal = bool(written and written.strip()) and values.variable(written) is None
    if literal and workflow_git.is_tracked(document.path, environ):
        raise _fault(
            document,
            "api_key",
            "holds the key itself, and git tracks this file: write $LINEAR_API_KEY, put the key"
            " into symphony.env, and replace the key, for it is in the history",
        )
    for name, value in config.workspace.env.items():
        if len(bare(key)) >= SHORTEST and bare(key) in value:
            line = document.line(("workspace", "env", name))
            raise ConfigError(
                f"{document.path}, line {line}: workspace.env.{name} holds the tracker's key, which"
                " must not reach an agent; remove it."
            )


def _check_templates(document: Document, config: Config) -> None:
    from symphony_cli.adapters.prompt import check_template

    check_template(document.prompt, str(document.path), document.prompt_line)
    for state, text in config.agent.prompt_template_by_state.items():
        line = document.value_line(("agent", "prompt_template_by_state", state))
        check_template(text, str(document.path), line)


def _tracker(
    document: Document,
    config: Config,
    environ: Mapping[str, str],
    places: Places,
    key: str,
) -> TrackerConfig:
    section, linear = config.tracker, config.tracker.kind == "linear"
    slug = values.text(section.project_slug, environ)
    if linear and not slug:
        raise _fault(document, "project_slug", "is missing: copy it from the project's address")
    endpoint = values.text(section.endpoint, environ)
    if linear and not endpoint.startswith(("https://", "http://")):
        raise _fault(document, "endpoint", "must be an address that begins with https://")
    anybody = environ.get(LINEAR_ASSIGNEE, "").strip() if linear else ""
    return TrackerConfig(
        kind=section.kind,
        scope=f"linear:{endpoint}" if linear else f"markdown:{os.path.realpath(places.issues)}",
        folder=Path(places.issues),
        commit=section.commit,
        endpoint=endpoint,
        project_slug=slug,
        assignee=values.text(section.assignee, environ, anybody),
        api_key=key,
        provider=section.provider,
    )


def _settings(
    document: Document,
    config: Config,
    places: Places,
    tracker: TrackerConfig,
    key_names: tuple[str, tuple[str, ...]],
    repo: workflow_git.Repository | None,
) -> Settings:
    commit = repo.commit if repo else ""
    return Settings(
        workspace=translate.workspace(config, places),
        tracker=_reference(document, config, tracker, *key_names),
        prompt=PromptSettings(
            template=document.prompt,
            by_state=translate.templates(config),
            line=document.prompt_line,
            fresh_states=translate.normed(config.agent.fresh_thread_states),
        ),
        rules=translate.rules(config, tracker.assignee, tracker.project_slug),
        codex=translate.codex(config, places),
        limits=translate.limits(config),
        handoff_grace=config.agent.handoff_grace_ms / 1000,
        tracker_wait=config.agent.max_tracker_wait_ms / 1000,
        workflow_commit=commit,
        workflow_blob=workflow_git.blob_id(document.data, commit),
    )


def _reference(
    document: Document,
    config: Config,
    tracker: TrackerConfig,
    key_name: str,
    secret_names: tuple[str, ...],
) -> TrackerRef:
    section = config.tracker
    return TrackerRef(
        kind=tracker.kind,
        scope=tracker.scope,
        workflow=str(document.path),
        secret_names=secret_names,
        key_name=key_name,
        commit=tracker.commit,
        endpoint=tracker.endpoint,
        project=tracker.project_slug,
        tool_writes=section.tool_writes,
        full_every=section.full_poll_interval if section.delta_polling else 0.0,
        named=translate.named(config) if tracker.kind == "linear" else {},
    )


def _contradictions(document: Document, config: Config) -> tuple[str, ...]:
    rules = translate.rules(config, "")
    both = [state for state in rules.active_states if state in rules.terminal_states]
    line = document.line(("tracker", "active_states"))
    return tuple(
        f"{document.path}, line {line}: the state {state} is active and terminal; it counts as"
        " terminal."
        for state in both
    )
