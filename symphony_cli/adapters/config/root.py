"""All sections together, and the sections that are there only for company."""

from __future__ import annotations

from pydantic import Field, JsonValue

from symphony_cli.adapters.config.agent import AgentSection
from symphony_cli.adapters.config.codex import CodexSection
from symphony_cli.adapters.config.section import Effect, Names, Section, foreign, key
from symphony_cli.adapters.config.tracker import TrackerSection
from symphony_cli.adapters.config.workspace import (
    HooksSection,
    PollingSection,
    StateSection,
    WorkspaceSection,
)


class NotifySection(Section):
    """Who is told when a person is needed."""

    command: Names = key(
        (),
        "Program and arguments; gets JSON on its input when an issue is blocked.",
        "argv",
        effect=Effect.LATER,
    )


class HealthSection(Section):
    """A watcher outside that notices when ticks no longer come."""

    url: str | None = key(
        None,
        "Pinged at the start, success and failure of a tick.",
        "URL",
        shown="none",
        effect=Effect.LATER,
    )


class WorkerSection(Section):
    """Another Symphony works over SSH here."""

    ssh_hosts: JsonValue = foreign()
    max_concurrent_agents_per_host: JsonValue = foreign()


class ServerSection(Section):
    """Another Symphony serves its API here."""

    port: JsonValue = foreign()
    host: JsonValue = foreign()


class ObservabilitySection(Section):
    """Another Symphony draws its dashboard here."""

    dashboard_enabled: JsonValue = foreign()
    refresh_ms: JsonValue = foreign()
    render_interval_ms: JsonValue = foreign()


class Config(Section):
    """The front matter of WORKFLOW.md."""

    tracker: TrackerSection
    polling: PollingSection = Field(default_factory=PollingSection)
    state: StateSection = Field(default_factory=StateSection)
    workspace: WorkspaceSection = Field(default_factory=WorkspaceSection)
    hooks: HooksSection = Field(default_factory=HooksSection)
    agent: AgentSection = Field(default_factory=AgentSection)
    codex: CodexSection = Field(default_factory=CodexSection)
    notify: NotifySection = Field(default_factory=NotifySection)
    health: HealthSection = Field(default_factory=HealthSection)
    worker: WorkerSection = Field(default_factory=WorkerSection)
    server: ServerSection = Field(default_factory=ServerSection)
    observability: ObservabilitySection = Field(default_factory=ObservabilitySection)
