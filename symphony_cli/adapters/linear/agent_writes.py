"""The changes that an agent may ask for, and how to find in each what it would change.

This is an allow-list all the way down: a mutation that is not here is refused, and so is a
member of its input that is not here, because Linear's schema grows every week. Names are those of
Linear's published schema; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a member of a mutation is about."""

    FREE = "free"
    """Anything: a text, a state, a person, or an issue that is only pointed at."""
    ISSUE = "issue"
    """An issue that is changed, or several: by UUID or identifier."""
    COMMENT = "comment"
    """A comment on an issue within reach, by UUID."""
    ATTACHMENT = "attachment"
    """An attachment of an issue within reach, by UUID."""
    RELATION = "relation"
    """A relation between two issues within reach, by UUID."""
    LABEL_OFF = "label"
    """Labels that are taken off, by UUID: never a stop label."""
    PROJECT = "project"
    """The project that we work, by UUID."""
    NOT_TRUE = "not true"
    """A flag that must not be set."""


@dataclass(frozen=True, slots=True)
class Write:
    """A mutation that may be allowed.

    `members` are paths in its arguments. At least one of `targets`, if there are any, must be
    given. `by_type` is for relations: which of these ends must be within reach (any one of them),
    by the relation's type.
    """

    members: Mapping[str, Role]
    targets: tuple[str, ...] = ()
    by_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    project_only: bool = False


def _input(role: Role, *names: str) -> dict[str, Role]:
    return {f"input.{name}": role for name in names}


_TEXTS = "title description descriptionData"
_PLANNING = "assigneeId delegateId stateId priority estimate dueDate cycleId parentId subscriberIds"
_ORDER = "sortOrder subIssueSortOrder prioritySortOrder"

_UPDATE = {
    **_input(Role.FREE, *_TEXTS.split(), *_PLANNING.split(), *_ORDER.split(), "addedLabelIds"),
    **_input(Role.LABEL_OFF, "removedLabelIds"),
    **_input(Role.NOT_TRUE, "trashed"),
}
_CREATE = {
    **_input(Role.FREE, *_TEXTS.split(), *_PLANNING.split(), *_ORDER.split()),
    **_input(Role.FREE, "id", "teamId", "labelIds"),
    **_input(Role.PROJECT, "projectId"),
}
_LINK = {"issueId": Role.ISSUE, "id": Role.FREE, "title": Role.FREE}
_URL = {**_LINK, "url": Role.FREE}

_BOTH = ("input.issueId", "input.relatedIssueId")
_RELATIONS = {
    "related": _BOTH,
    "similar": _BOTH,
    "duplicate": _BOTH[:1],
    "blocks": _BOTH[1:],
}
"""Whom a relation changes. `duplicate` closes its first issue and `blocks` holds back its second;
the other end stays as it was, and so do both ends of the other two."""

WRITES: dict[str, Write] = {
    "issueUpdate": Write({"id": Role.ISSUE, **_UPDATE}, ("id",)),
    "issueAddLabel": Write({"id": Role.ISSUE, "labelId": Role.FREE}, ("id",)),
    "issueRemoveLabel": Write({"id": Role.ISSUE, "labelId": Role.LABEL_OFF}, ("id",)),
    "commentCreate": Write(
        {
            **_input(Role.ISSUE, "issueId"),
            **_input(Role.COMMENT, "parentId"),
            **_input(Role.FREE, "id", "body", "bodyData", "quotedText", "doNotSubscribeToIssue"),
        },
        ("input.issueId", "input.parentId"),
    ),
    "commentUpdate": Write(
        {
            "id": Role.COMMENT,
            **_input(Role.COMMENT, "resolvingCommentId"),
            **_input(Role.FREE, "body", "bodyData", "quotedText", "doNotSubscribeToIssue"),
        },
        ("id",),
    ),
    "commentResolve": Write({"id": Role.COMMENT, "resolvingCommentId": Role.COMMENT}, ("id",)),
    "commentUnresolve": Write({"id": Role.COMMENT}, ("id",)),
    "reactionCreate": Write(
        {
            **_input(Role.ISSUE, "issueId"),
            **_input(Role.COMMENT, "commentId"),
            **_input(Role.FREE, "id", "emoji"),
        },
        ("input.issueId", "input.commentId"),
    ),
    "attachmentCreate": Write(
        {
            **_input(Role.ISSUE, "issueId"),
            **_input(Role.FREE, "id", "title", "subtitle", "url", "iconUrl", "metadata"),
            **_input(Role.FREE, "commentBody", "groupBySource"),
        },
        ("input.issueId",),
    ),
    "attachmentUpdate": Write(
        {
            "id": Role.ATTACHMENT,
            **_input(Role.FREE, "title", "subtitle", "iconUrl", "metadata"),
        },
        ("id",),
    ),
    "attachmentLinkURL": Write(_URL, ("issueId",)),
    "attachmentLinkGitHubPR": Write({**_URL, "linkKind": Role.FREE}, ("issueId",)),
    "attachmentLinkGitHubIssue": Write(_URL, ("issueId",)),
    "attachmentLinkGitLabMR": Write(
        {**_URL, "number": Role.FREE, "projectPathWithNamespace": Role.FREE}, ("issueId",)
    ),
    "issueRelationCreate": Write(
        _input(Role.FREE, "id", "issueId", "relatedIssueId", "type"), by_type=_RELATIONS
    ),
    "fileUpload": Write(
        {
            **dict.fromkeys(("contentType", "filename", "metaData", "size"), Role.FREE),
            "makePublic": Role.NOT_TRUE,
        }
    ),
    "issueCreate": Write(_CREATE, ("input.projectId",), project_only=True),
    "issueBatchUpdate": Write({"ids": Role.ISSUE, **_UPDATE}, ("ids",), project_only=True),
    "issueRelationUpdate": Write(
        {
            "id": Role.RELATION,
            **_input(Role.ISSUE, "issueId", "relatedIssueId"),
            **_input(Role.FREE, "type"),
        },
        ("id",),
        project_only=True,
    ),
}
"""Every mutation that may ever be sent for an agent, by its name in the schema."""

ADVICE = {
    "labelIds": "it replaces the labels that other people set; use addedLabelIds and "
    "removedLabelIds",
    "trashed": "that would delete the issue",
    "teamId": "the issue would leave its team",
    "projectId": "the issue would leave its project",
    "makePublic": "the file would be there for everybody",
}
"""Why a member of a mutation is refused, where the model may wonder."""
