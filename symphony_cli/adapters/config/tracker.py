"""Section `tracker`: where the issues are and which of them are ours."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue, StrictBool

from symphony_cli.adapters.config.section import Names, Number, Section, key

LINEAR_ENDPOINT = "https://api.linear.app/graphql"


class TrackerSection(Section):
    """Flat keys; the same names below `tracker.provider` mean the same."""

    kind: Literal["linear", "markdown"] = key(
        ..., "Which issue tracker: `linear`, or `markdown` for a folder of files."
    )
    endpoint: str = key(LINEAR_ENDPOINT, "Address of Linear's GraphQL API.", "URL")
    api_key: str | None = key(
        None,
        "Key of the tracker; write `$NAME` and keep the value in `symphony.env`.",
        "secret",
        shown="`$LINEAR_API_KEY`",
        secret=True,
    )
    project_slug: str | None = key(
        None, "Slug of the Linear project; needed for `linear`.", shown="none"
    )
    assignee: str | None = key(
        None,
        "Only issues of this person: id, e-mail address, name, or `me`.",
        shown="`$LINEAR_ASSIGNEE` for `linear`, else anybody",
    )
    path: str = key("issues", "Folder of the issue files of `markdown`.", "path")
    commit: StrictBool = key(False, "Commit what we write into issue files of `markdown`.")
    provider: dict[str, JsonValue] = key(
        {}, "Settings of the tracker by the same names as above; others are kept."
    )
    active_states: Names = key(("Todo", "In Progress"), "States in which an issue is to be worked.")
    terminal_states: Names = key(
        ("Closed", "Cancelled", "Canceled", "Duplicate", "Done"),
        "States in which an issue is over; they win over `active_states`.",
    )
    blocked_states: Names | None = key(
        None,
        "States in which an issue waits for its open blockers.",
        shown="the first of `active_states`",
    )
    required_labels: Names = key(
        (), "An issue is worked only while it carries all of these; a blank one matches none."
    )
    tool_writes: Literal["issue", "project", "off"] = key(
        "issue", "How far an agent's own changes in Linear may reach."
    )
    delta_polling: StrictBool = key(
        True, "Ask only for what changed since the last look; false: for everything each time."
    )
    full_poll_interval: Number = key(
        3600.0, "At least this often everything is asked for.", "s", gt=0
    )


PROVIDER_KEYS = frozenset(
    {"endpoint", "api_key", "project_slug", "assignee", "path", "commit", "tool_writes"}
)
"""Names that may stand under `tracker.provider` instead of under `tracker`."""
