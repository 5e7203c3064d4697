"""What the facts about a machine mean: programs, Codex, its sandbox, timers, cron."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symphony_cli.core.examined import (
    Bare,
    Codex,
    Login,
    Platform,
    Program,
    Rhythm,
    Sandbox,
    Timer,
)
from symphony_cli.core.findings import Finding, act, ok, warning

OLDEST_GIT = (2, 31)
"""`git rev-list --disk-usage`, with which a rescue is measured, came with it."""

OLDEST_CODEX, NEWEST_CODEX = (0, 163), (0, 169)
"""Between these every message was tried (docs/codex.md)."""

LATE_TICKS, LATE_AT_LEAST = 3, 180.0
"""So many intervals without a tick, and so many seconds, are too many."""

USER_NAMESPACES = (
    "allow unprivileged user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, on Ubuntu "
    "`kernel.apparmor_restrict_unprivileged_userns=0`, `user.max_user_namespaces` above 0; a "
    "container must be started with them), or set `codex.turn_sandbox_policy` to {type: "
    "externalSandbox} in a container that is the sandbox"
)

SCHEDULE = "run `symphony schedule`, or let cron or systemd start `symphony tick`"


def platform(seen: Platform) -> Iterator[Finding]:
    """Linux is the platform; macOS has limits."""
    found = f"Symphony {seen.symphony} on Python {seen.python}, {seen.system}"
    if seen.system == "Linux":
        yield ok(f"{found}.")
    else:
        yield warning(
            f"{found}: processes that agents leave are not swept, network file systems are not "
            "noticed, and the key is not hidden from other processes.",
            "Use Linux where that matters.",
        )


def version_in(text: str) -> tuple[int, ...]:
    """The first version number in a text, or nothing."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def git(seen: Program) -> Iterator[Finding]:
    """Git is there, and new enough."""
    if seen.error:
        yield act(seen.error, "Install git, or set PATH in symphony.env so that it is found.")
        return
    needed = ".".join(map(str, OLDEST_GIT))
    found = f"{seen.path} is {seen.said or 'silent about its version'}"
    version = version_in(seen.said)
    if not version:
        yield warning(f"{found}.", f"Check that it is git {needed} or newer.")
    elif version < OLDEST_GIT:
        yield act(f"{found}; Symphony needs {needed}.", f"Install git {needed} or newer.")
    else:
        yield ok(f"{found}.")


def codex(seen: Codex) -> Iterator[Finding]:
    """`codex.command` finds its program, of a version that was tried."""
    if seen.program.error:
        yield act(
            seen.program.error,
            "Install Codex, or correct `codex.command`, or PATH in symphony.env.",
        )
    elif seen.shell:
        yield ok(
            f"`{seen.command}` is for a shell ({seen.program.path}); which program it starts is "
            "seen in a run only."
        )
    elif not seen.is_codex:
        yield ok(f"`{seen.command}` starts {seen.program.path}, whose version is not looked at.")
    else:
        yield _codex_version(seen.program)


def _codex_version(program: Program) -> Finding:
    tried = f"{_dotted(OLDEST_CODEX)} to {_dotted(NEWEST_CODEX)}"
    found = f"{program.path} is {program.said or 'silent about its version'}"
    version = version_in(program.said)
    if not version:
        return warning(f"{found}.", f"Check that it is a Codex; {tried} were tried.")
    if version < OLDEST_CODEX:
        return warning(
            f"{found}; {tried} were tried, older ones were not.", "Install a newer Codex."
        )
    if version[:2] > NEWEST_CODEX:
        return ok(f"{found}; the newest that was tried is {_dotted(NEWEST_CODEX)}.")
    return ok(f"{found}.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def login(seen: Login | None) -> Iterator[Finding]:
    """Codex has a login, as far as its files tell; None: the program is not Codex."""
    if seen is None:
        yield ok("`codex.command` starts another program than Codex; its login is not looked at.")
        return
    log_in = f"Run `CODEX_HOME={seen.home} codex login`."
    if not seen.there:
        yield act(f"CODEX_HOME, {seen.home}, does not exist, so there is no login.", log_in)
    elif seen.fault:
        yield act(f"{seen.home}/config.toml cannot be used ({seen.fault}).", "Correct that file.")
    elif seen.provider:
        yield _provider(seen)
    elif seen.auth and seen.open_to_others:
        yield warning(
            f"{seen.home}/auth.json holds a login that others may read.",
            f"Run `chmod 600 {seen.home}/auth.json`.",
        )
    elif seen.auth:
        yield ok(f"{seen.home} has a login; whether it still counts is seen in a run only.")
    elif seen.keyring:
        yield ok(
            f"{seen.home} keeps its login in the system's keyring, where it cannot be seen.",
            'A timer may find it locked: then set cli_auth_credentials_store = "file".',
        )
    elif seen.variables:
        yield warning(
            f"{seen.home} has no auth.json; {', '.join(seen.variables)} is set, which the "
            "app-server may not go by.",
            log_in,
        )
    else:
        yield act(f"{seen.home} has no auth.json, so there is no login.", log_in)


def _provider(seen: Login) -> Finding:
    found = f"{seen.home}/config.toml names the provider {seen.provider}"
    if not seen.provider_key:
        return ok(f"{found}, which names no variable for a key.")
    if seen.provider_key_set:
        return ok(f"{found}, and agents have its key in {seen.provider_key}.")
    return act(
        f"{found}, and agents do not have {seen.provider_key}, which holds its key.",
        f"Put {seen.provider_key}=… into symphony.env, and not into `codex.env_exclude`.",
    )


def sandbox(seen: Sandbox) -> Iterator[Finding]:
    """Commands of agents can be walled in."""
    if seen.kind == "danger-full-access":
        yield warning(
            "Agents run without a sandbox (danger-full-access): they can do all that you can.",
            "Set `codex.thread_sandbox: workspace-write`, or run Symphony as a user of its own.",
        )
    elif seen.kind == "external-sandbox":
        yield ok("Agents run without a sandbox of Codex: you say that they are in one (external).")
    elif not seen.trial:
        yield ok(f"The sandbox {seen.kind} cannot be tried out on this system.")
    elif seen.refused:
        yield act(
            f"The sandbox {seen.kind} does not work here: {seen.trial} failed ({seen.refused}).",
            f"{USER_NAMESPACES[0].upper()}{USER_NAMESPACES[1:]}.",
        )
    else:
        yield ok(f"The sandbox {seen.kind} can work here ({seen.trial}).")


def rhythm(seen: Rhythm) -> Iterator[Finding]:
    """Something starts ticks, often enough, and lets agents live."""
    mine = [timer for timer in seen.timers if timer.mine]
    if not mine:
        yield warning(
            f"No timer of yours runs this workflow; {_last(seen)}.", f"{_upper(SCHEDULE)}."
        )
    for timer in mine:
        yield from _timer(timer, seen)
    if any(timer.active is not False for timer in mine):
        yield _beat(seen, " and ".join(timer.place for timer in mine))


def _timer(timer: Timer, seen: Rhythm) -> Iterator[Finding]:
    if timer.kills:
        yield act(
            f"{timer.place} has no KillMode=process, so systemd ends each agent together with the "
            "tick that started it.",
            "Put `KillMode=process` into its section [Service], then `systemctl daemon-reload`.",
        )
    if timer.active is False:
        yield act(
            f"{timer.place} is not active; {_last(seen)}.",
            "Run `systemctl --user enable --now` (or without --user) with its name.",
        )
    if timer.lingers is False:
        yield warning(
            f"{timer.place} is yours and stops when you log out.", "Run `loginctl enable-linger`."
        )


def _beat(seen: Rhythm, places: str) -> Finding:
    if seen.silence is None:
        return warning(
            f"{places} is there, and no tick has been yet.",
            "Wait for one; if none comes: `symphony doctor --as-cron`.",
        )
    if seen.silence > max(LATE_AT_LEAST, LATE_TICKS * seen.interval):
        return act(
            f"{places} is there, but {_last(seen)}, with an interval of {seen.interval:.0f} s.",
            "Look where it writes its output, and run `symphony doctor --as-cron`.",
        )
    return ok(f"{places} runs this workflow; {_last(seen)}.")


def _last(seen: Rhythm) -> str:
    if seen.silence is None:
        return "there has been no tick yet"
    return f"the last tick was {seen.silence:.0f} s ago"


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def last_tick(seen: Rhythm) -> Iterator[Finding]:
    """How the last tick ended; nothing before the first."""
    if seen.silence is None:
        return
    if seen.last.exit_code:
        first = next(iter(seen.last.errors), seen.last.summary)
        yield warning(
            f"The last tick ended with {seen.last.exit_code}: {first}", "See `symphony status`."
        )
    else:
        yield ok(f"The last tick ended well: {seen.last.summary}")


LOST = {
    "XDG_STATE_HOME": "locks and default workspaces would lie in another place",
    "CODEX_HOME": "agents would have another login and other threads",
    "SYMPHONY_ENV_FILE": "another env file would be read",
    "HTTPS_PROXY": "the proxy would not be used",
    "https_proxy": "the proxy would not be used",
    "ALL_PROXY": "the proxy would not be used",
    "all_proxy": "the proxy would not be used",
    "SSL_CERT_FILE": "other certificates would be trusted",
    "GIT_SSH_COMMAND": "git would call ssh in another way",
}
"""Variables of a shell that change what Symphony does, and what it means when cron has them not."""


def bare(seen: Bare | None) -> Iterator[Finding]:
    """Programs and variables that the shell has and cron has not; None: cron is not played."""
    if seen is None:
        return
    lacking = False
    for name, in_shell, in_cron in seen.programs:
        if in_cron or (name == "ssh" and not seen.ssh):
            continue
        lacking = True
        where = f"it is {in_shell}" if in_shell else "your shell does not find it either"
        folder = in_shell.rpartition("/")[0]
        path = f"{folder}:{seen.path}" if folder else seen.path
        yield act(
            f"With cron's PATH ({seen.path}) {name} is not found; {where}.",
            f"Put `PATH={path}` into symphony.env.",
        )
    for name in seen.lost:
        lacking = True
        if name in LOST:
            yield warning(
                f"Your shell sets {name} and cron does not: {LOST[name]}.",
                f"Put {name}=… into symphony.env.",
            )
    if seen.ssh and "SSH_AUTH_SOCK" in seen.lost:
        yield warning(
            "The repository is reached by ssh, and cron has no SSH_AUTH_SOCK: keys that only your "
            "agent of ssh knows are not found.",
            "Put SSH_AUTH_SOCK=… with a lasting socket into symphony.env, or use a deploy key.",
        )
    if not lacking:
        yield ok(f"In cron's environment all that is needed is found (PATH {seen.path}).")
