"""The tools that we offer to the agent, by name, and the shape of their answers.

They are offered with `thread/start` only and stay with the thread for its life, so a resumed
thread may call a tool that this run would not offer: every name that any version ever offered
stays in `SPECS`.
"""

from __future__ import annotations

from collections.abc import Iterable

from symphony_cli.core.answers import capped
from symphony_cli.core.shape import Json

BLOCK = "symphony_block"

_TEXTS = {"type": "array", "items": {"type": "string"}}


def _spec(name: str, description: str, properties: Json, required: list[str]) -> Json:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "description": description, "inputSchema": schema}


SPECS: dict[str, Json] = {
    spec["name"]: spec
    for spec in (
        _spec(
            "issue_update",
            "Change the issue you work on: move it to another state, comment on it, add or remove "
            "labels. Give only what shall change.",
            {
                "state": {"type": "string", "description": "Name of the new state."},
                "comment": {"type": "string", "description": "Markdown text to post."},
                "add_labels": _TEXTS,
                "remove_labels": _TEXTS,
            },
            [],
        ),
        _spec(
            "linear_graphql",
            "Run one GraphQL operation against Linear's API with Symphony's access; no key is "
            "needed. Queries may read everything. As far as the operator allows it, mutations may "
            "change the issue you work on, "
            "named by its identifier (ENG-123) or UUID: issueUpdate (labels only with "
            "addedLabelIds and removedLabelIds), commentCreate, attachmentLinkURL and the like. "
            "Deletions and changes of teams, users, projects and labels themselves are refused; a "
            "refusal says what is allowed. Ask for few fields and give `first` to connections: "
            "answers longer than 16 KiB are cut.",
            {
                "query": {
                    "type": "string",
                    "description": "A GraphQL document with exactly one query or mutation.",
                },
                "variables": {
                    "type": ["object", "null"],
                    "additionalProperties": True,
                    "description": "The values of its variables.",
                },
            },
            ["query"],
        ),
        _spec(
            BLOCK,
            "Stop working on this issue and ask a person for help. Use it only when you cannot go "
            "on without them; it ends your work at once and posts the reason on the issue.",
            {"reason": {"type": "string", "description": "What you need, in a few sentences."}},
            ["reason"],
        ),
    )
}


def offered(names: Iterable[str]) -> list[Json]:
    """The specifications of these tools; names that we do not know are left out."""
    return [SPECS[name] for name in names if name in SPECS]


def content(success: bool, text: str) -> Json:
    """The answer to a tool call, never longer than `core.answers.LONGEST`."""
    return {
        "success": success,
        "contentItems": [{"type": "inputText", "text": capped(text)}],
    }
