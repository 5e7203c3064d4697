"""Which types have which fields: an excerpt of Linear's published schema, in its own words.

A field without a type is a leaf. `IssueConnection` and the like need no entry: all connections have
`nodes`, `edges` and `pageInfo` (Relay). Whatever is not here is refused as the service refuses what
is not in its schema; a test compares this table with the published schema where that is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

SHAPES = {
    "Query": """
        viewer:User organization:Organization rateLimitStatus:RateLimitPayload
        issue:Issue comment:Comment team:Team project:Project user:User
        workflowState:WorkflowState issueLabel:IssueLabel attachment:Attachment
        issues:IssueConnection comments:CommentConnection teams:TeamConnection
        projects:ProjectConnection users:UserConnection workflowStates:WorkflowStateConnection
        issueLabels:IssueLabelConnection issueRelations:IssueRelationConnection
        attachments:AttachmentConnection attachmentsForURL:AttachmentConnection
    """,
    "Mutation": """
        issueCreate:IssuePayload issueUpdate:IssuePayload
        issueAddLabel:IssuePayload issueRemoveLabel:IssuePayload
        issueArchive:IssueArchivePayload issueUnarchive:IssueArchivePayload
        issueDelete:IssueArchivePayload issueLabelCreate:IssueLabelPayload
        commentCreate:CommentPayload commentUpdate:CommentPayload commentDelete:DeletePayload
        attachmentCreate:AttachmentPayload attachmentLinkURL:AttachmentPayload
        issueRelationCreate:IssueRelationPayload issueRelationDelete:DeletePayload
    """,
    "Issue": """
        id createdAt updatedAt archivedAt trashed number identifier previousIdentifiers
        title description priority priorityLabel url branchName labelIds
        startedAt completedAt canceledAt
        state:WorkflowState team:Team project:Project assignee:User creator:User parent:Issue
        labels:IssueLabelConnection comments:CommentConnection children:IssueConnection
        attachments:AttachmentConnection relations:IssueRelationConnection
        inverseRelations:IssueRelationConnection stateHistory:IssueStateSpanConnection
    """,
    "User": "id createdAt updatedAt archivedAt name displayName email active app isMe url",
    "Organization": "id createdAt updatedAt archivedAt name urlKey",
    "Team": """
        id createdAt updatedAt archivedAt key name displayName private
        states:WorkflowStateConnection labels:IssueLabelConnection projects:ProjectConnection
        issues:IssueConnection
    """,
    "WorkflowState": "id createdAt updatedAt archivedAt name type color position team:Team",
    "IssueLabel": """
        id createdAt updatedAt archivedAt name color description isGroup
        team:Team parent:IssueLabel creator:User children:IssueLabelConnection
    """,
    "Project": """
        id createdAt updatedAt archivedAt name slugId description state url
        teams:TeamConnection issues:IssueConnection
    """,
    "Comment": """
        id createdAt updatedAt archivedAt editedAt body url issueId parentId
        user:User botActor:ActorBot externalUser:ExternalUser issue:Issue parent:Comment
    """,
    "ActorBot": "id name type",
    "ExternalUser": "id name displayName email",
    "Attachment": """
        id createdAt updatedAt archivedAt title subtitle url sourceType metadata
        creator:User issue:Issue
    """,
    "IssueRelation": "id createdAt updatedAt archivedAt type issue:Issue relatedIssue:Issue",
    "IssueStateSpan": "id startedAt endedAt stateId state:WorkflowState",
    "RateLimitPayload": "identifier kind limits:[RateLimitResultPayload]",
    "RateLimitResultPayload": "type allowedAmount remainingAmount requestedAmount period reset",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "IssuePayload": "success lastSyncId issue:Issue",
    "IssueArchivePayload": "success lastSyncId entity:Issue",
    "IssueLabelPayload": "success lastSyncId issueLabel:IssueLabel",
    "CommentPayload": "success lastSyncId comment:Comment",
    "AttachmentPayload": "success lastSyncId attachment:Attachment",
    "IssueRelationPayload": "success lastSyncId issueRelation:IssueRelation",
    "DeletePayload": "success lastSyncId entityId",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: the type of its value ("" for a leaf), and whether it is a plain list of them."""

    of: str = ""
    many: bool = False

    @property
    def connection(self) -> bool:
        """Its value comes in pages."""
        return self.of.endswith("Connection")

    @property
    def row(self) -> str:
        """The type of its rows, when it is a connection."""
        return self.of.removesuffix("Connection")


@cache
def shape_of(kind: str) -> dict[str, Shape]:
    """The fields of a type; KeyError for a type that is not played here."""
    if kind.endswith("Connection"):
        row = kind.removesuffix("Connection")
        edges = Shape(f"{row}Edge", many=True)
        return {"nodes": Shape(row, many=True), "edges": edges, "pageInfo": Shape("PageInfo")}
    if kind.endswith("Edge"):
        return {"node": Shape(kind.removesuffix("Edge")), "cursor": Shape()}
    return dict(map(_field, SHAPES[kind].split()))


def _field(text: str) -> tuple[str, Shape]:
    name, _, of = text.partition(":")
    return name, Shape(of.strip("[]"), many=of.startswith("["))
