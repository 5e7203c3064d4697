"""What a script may say.

    {"issues": [{"match": "DEMO-1", "turns": [[STEP, ...], ...]}, ...],
     "default": {"turns": [[STEP, ...]]}}

A thread follows the first issue whose `match` is found in its first prompt, else `default`; it
keeps to it for life. Each turn of the thread plays the next list of steps. A step is a map with
one of the names in `ACTIONS`; a step that stands for an answer of the model may also carry
`usage`, the tokens of that answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage


@dataclass(frozen=True, slots=True)
class Say:
    """The model says something."""

    text: str


@dataclass(frozen=True, slots=True)
class SayEnv:
    """The model says what an environment variable of the server holds."""

    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """A shell command in the thread's cwd; one in the background outlives its step."""

    command: str
    background: bool = False


@dataclass(frozen=True, slots=True)
class Daemon:
    """A shell command that leaves the server's session and survives it."""

    command: str


@dataclass(frozen=True, slots=True)
class Commit:
    """`git add -A` and a commit, by an author of its own."""

    message: str


@dataclass(frozen=True, slots=True)
class Write:
    """A whole file; its folders are made."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Edit:
    """The first place where a file says `find`; the item fails when there is none."""

    path: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A call of a tool that the client offers."""

    name: str
    arguments: dict[str, Json] = field(default_factory=dict)


class AskKind(Enum):
    """What the server may ask the client for."""

    COMMAND = "command_approval"
    FILE = "file_approval"
    PERMISSIONS = "permissions"
    INPUT = "user_input"
    ELICITATION = "elicitation"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the client. An accepted command runs, an accepted file is written."""

    kind: AskKind
    command: str = "true"
    path: str = "approved.txt"
    content: str = "approved\n"
    reason: str | None = None
    question: str = "Which one?"
    options: tuple[str, ...] = ("A", "B")
    message: str = "What is your name?"
    method: str = "item/unheardOf/request"


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds of thinking, with a sign of life twice a second."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Silence:
    """Seconds without any message."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Spend:
    """An answer of the model that shows nothing but its tokens."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Members of the provider's limits, over an update that has none."""

    limits: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Fail:
    """The turn fails; `info` is Codex's `codexErrorInfo`, a word or a map."""

    message: str
    info: Json = "other"


@dataclass(frozen=True, slots=True)
class RetryError:
    """An error that the server will retry by itself; the turn goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """A line on stdout that is no JSON."""

    text: str


@dataclass(frozen=True, slots=True)
class BigLine:
    """A valid message of at least this many bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Exit:
    """The server ends at once with this code; its commands are left alone."""

    code: int


@dataclass(frozen=True, slots=True)
class IgnoreTerm:
    """From now on neither SIGTERM nor the end of stdin ends the server."""

    on: bool


@dataclass(frozen=True, slots=True)
class IgnoreInterrupt:
    """From now on the server answers no request to interrupt a turn or to end commands."""

    on: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """A shell command that leaves the server's session, and holds its stdout and stderr open."""

    command: str


Action = (
    Say
    | SayEnv
    | Run
    | Daemon
    | Commit
    | Write
    | Edit
    | Tool
    | Ask
    | Wait
    | Silence
    | Spend
    | RateLimits
    | Fail
    | RetryError
    | Garbage
    | BigLine
    | Exit
    | IgnoreTerm
    | IgnoreInterrupt
    | Hold
)

ACTIONS: dict[str, type[Action]] = {
    "say": Say,
    "say_env": SayEnv,
    "run": Run,
    "daemon": Daemon,
    "commit": Commit,
    "write": Write,
    "edit": Edit,
    "tool": Tool,
    "ask": Ask,
    "wait": Wait,
    "silence": Silence,
    "usage": Spend,
    "rate_limits": RateLimits,
    "fail": Fail,
    "retry_error": RetryError,
    "garbage": Garbage,
    "big_line": BigLine,
    "exit": Exit,
    "ignore_term": IgnoreTerm,
    "ignore_interrupt": IgnoreInterrupt,
    "hold": Hold,
}
MAPS = (Write, Edit, Tool, Ask, Fail)
"""Actions that are written as a map; the others are one value."""

ANSWERS = (Say, SayEnv, Run, Daemon, Commit, Write, Edit, Tool, Ask, Spend)
"""Actions that stand for an answer of the model, and so cost tokens."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action, and the tokens of the answer that it stands for."""

    action: Action
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Issue:
    """What is played on the threads of one issue, turn by turn."""

    match: str
    turns: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Script:
    """All issues; the last one, with an empty `match`, is the default."""

    issues: tuple[Issue, ...]

    def choose(self, prompt: str) -> Issue:
        """The issue that a thread with this first prompt follows."""
        return next(issue for issue in self.issues if issue.match in prompt)

    def named(self, match: str) -> Issue | None:
        """The issue with exactly this `match`."""
        return next((issue for issue in self.issues if issue.match == match), None)


IDLE = Issue("", ())
"""The default when a script has none: there is nothing to do."""
