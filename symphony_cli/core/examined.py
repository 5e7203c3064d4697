"""What `doctor` sees of a machine and a set-up: facts alone; `diagnosis` and `setup` judge them."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.core.prompt_order import Order
from symphony_cli.core.snapshot import Disk
from symphony_cli.core.tickfile import TickFile


@dataclass(frozen=True, slots=True)
class Platform:
    """What we run on; `system` as Python names it: Linux, Darwin."""

    system: str
    python: str
    symphony: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """WORKFLOW.md; `error`: why it cannot be used; `last_good`: there is a copy to go by."""

    path: str
    error: str = ""
    warnings: tuple[str, ...] = ()
    last_good: bool = False


@dataclass(frozen=True, slots=True)
class EnvFile:
    """symphony.env; `fault` says why it cannot be used."""

    path: str
    there: bool = False
    fault: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program: where it is, and the first line that it says of its version; `error` else."""

    path: str = ""
    said: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Codex:
    """What `codex.command` starts. `is_codex`: it is Codex's app-server as far as can be told;
    `shell`: a login shell makes sense of the command, so nothing can be said about the program."""

    command: str
    program: Program
    is_codex: bool = True
    shell: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """What the files of a CODEX_HOME say of its login. `provider` is one of the operator's own in
    config.toml, `provider_key` the variable that it takes its key from."""

    home: str
    there: bool
    auth: bool = False
    open_to_others: bool = False
    keyring: bool = False
    provider: str = ""
    provider_key: str = ""
    provider_key_set: bool = False
    variables: tuple[str, ...] = ()
    """Variables with a key of OpenAI that an agent gets."""
    fault: str = ""
    """Why config.toml cannot be read."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """`kind` as Codex names it. `trial` is what was tried, `refused` what came of it if it failed;
    both are empty where nothing can be tried."""

    kind: str
    trial: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class TrackerKey:
    """Where the tracker's key comes from: `file`, `environment`, `workflow`, or nowhere."""

    wanted: bool
    name: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Tracker:
    """What the tracker answered to one look, or why not."""

    kind: str
    place: str
    issues: int = 0
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unwritable: str = ""
    """Why issues cannot be written (Markdown)."""
    error: str = ""
    final: bool = False
    """The error does not pass by itself: the key, the project, the folder."""
    put_off: bool = False
    """Our own budget says: not yet."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that Symphony writes in, or the nearest above it that is there."""

    path: str
    there: bool
    unwritable: str = ""
    network: str = ""
    """The type of the network file system that it lies on."""
    open_to_others: bool = False
    """Others may write in it."""
    tracked: bool = False
    """Git would take its files into a commit."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The ledger: how many issues it has, or why it cannot be read."""

    there: bool
    issues: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """Free room in one of our places."""

    what: str
    disk: Disk | None
    floored: bool = False
    """The floors of WORKFLOW.md are for this place."""


@dataclass(frozen=True, slots=True)
class Temporary:
    """A place that WORKFLOW.md puts below a folder for temporary files."""

    key: str
    path: str
    below: str


@dataclass(frozen=True, slots=True)
class Remote:
    """The repository that is cloned for each issue; `error` says why it does not answer."""

    name: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that starts `symphony tick` by itself: a line of a crontab, a unit of systemd.

    `mine`: for this workflow. `active` is None where nobody can tell. `kills`: it ends agents
    together with the tick that started them. `lingers` is False for a user's timer that stops when
    the user logs out.
    """

    place: str
    mine: bool
    active: bool | None = None
    kills: bool = False
    lingers: bool | None = None
    holds_key: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The timers there are, and the last tick. `silence` is its age in seconds, None before any."""

    timers: tuple[Timer, ...]
    last: TickFile
    silence: float | None
    interval: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """One template: where it stands, and its order, or why it does not render."""

    where: str
    order: Order | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an agent, which runs as this user, could read a secret."""

    key: TrackerKey
    env_file: str = ""
    workflow: str = ""
    exported: tuple[str, ...] = ()
    """Variables with the key in the environment of whoever started us."""
    timers: tuple[str, ...] = ()
    """Timers in which the key is written."""
    traceable: bool = False
    """Any process of this user may trace another, and agents have no sandbox."""
    passed_on: tuple[str, ...] = ()
    """Variables that look like secrets and reach agents."""


@dataclass(frozen=True, slots=True)
class Bare:
    """The environment that cron gives, beside that of the shell.

    `programs` are those we need, each with where the shell and where cron finds it. `lost` are
    variables of the shell that matter to us and that cron does not have.
    """

    path: str
    programs: tuple[tuple[str, str, str], ...]
    lost: tuple[str, ...] = ()
    ssh: bool = False
    """The repository is reached by ssh."""
