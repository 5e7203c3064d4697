"""Everything we know of that a repository can make an ordinary git or Python run.

    python -I traps.py MARKS CLONE

lays all traps in a clone. A trap that is run writes its parent, and where it was run, into a file
of its name in the folder MARKS. Standard library only and run as a script, so that an agent can
lay them by itself without running git.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

MODULES = ("json.py", "site.py", "sitecustomize.py", "subprocess.py", "symphony_cli.py")
PROGRAMS = ("git", "git-upload-pack", "ssh", "bash", "sh", "python3")
HOOKS = (
    "post-checkout pre-commit commit-msg reference-transaction post-index-change pre-auto-gc"
    " post-rewrite pre-rebase post-merge pre-push update post-update pre-receive post-receive"
).split()

SETTINGS = {
    ("core", "askPass"): "askpass",
    ("core", "fsmonitor"): "fsmonitor",
    ("core", "gitProxy"): "proxy",
    ("core", "pager"): "pager",
    ("core", "sshCommand"): "ssh",
    ("credential", "helper"): "credential",
    ("diff", "external"): "external",
    ('diff "evil"', "command"): "diff",
    ('diff "evil"', "textconv"): "textconv",
    ('filter "evil"', "clean"): "clean",
    ('filter "evil"', "smudge"): "smudge",
    ("gpg", "program"): "gpg",
    ('merge "evil"', "driver"): "merge",
    ("uploadpack", "packObjectsHook"): "packobjects",
    ('remote "origin"', "uploadpack"): "uploadpack",
}

_PYTHON = """\
import os
with open({mark!r}, "a") as stream:
    with open("/proc/%d/cmdline" % os.getppid()) as parent:
        stream.write("%s in %s\\n" % (parent.read().replace("\\0", " "), os.getcwd()))
"""

_SHELL = """\
#!/bin/sh
echo "$(tr '\\0' ' ' < /proc/$PPID/cmdline) in $PWD" >> {mark}
exec cat
"""


def lay(marks: Path, tree: Path) -> None:
    """Lay the traps of a work tree; its changes are also something for a rescue to keep."""
    attributes = "* filter=evil diff=evil merge=evil ident\n"
    (tree / ".gitattributes").write_text(attributes)
    for name in MODULES:
        (tree / name).write_text(_PYTHON.format(mark=str(marks / name)))
    for name in PROGRAMS:
        _program(tree / name, marks / f"program-{name}")


def lay_in_git(marks: Path, git: Path) -> None:
    """Lay the traps of a git folder: hooks, and settings by which git starts programs."""
    programs = marks.parent / "trap-programs"
    programs.mkdir(exist_ok=True)
    for hook in HOOKS:
        (git / "hooks").mkdir(exist_ok=True)
        _program(git / "hooks" / hook, marks / f"hook-{hook}")
    for name in ("included", *SETTINGS.values()):
        _program(programs / name, marks / name)
    included = marks.parent / "trap-config"
    included.write_text(f"[core]\n\tfsmonitor = {programs / 'included'}\n")
    (git / "info").mkdir(exist_ok=True)
    (git / "info" / "attributes").write_text("* filter=evil diff=evil\n")
    lines = [f"[include]\n\tpath = {included}", f"[core]\n\thooksPath = {git / 'hooks'}"]
    lines += ['[filter "evil"]\n\trequired = true', "[commit]\n\tgpgSign = true"]
    for (section, key), name in SETTINGS.items():
        lines.append(f"[{section}]\n\t{key} = {programs / name}")
    with (git / "config").open("a") as stream:
        stream.write("\n".join(lines) + "\n")


def leave_half_done(marks: Path, git: Path) -> None:
    """Leave a git folder as one that was killed in a merge would, its work tree elsewhere."""
    elsewhere = marks.parent / "elsewhere"
    elsewhere.mkdir()
    with (git / "config").open("a") as stream:
        stream.write(f'[core]\n\tworktree = {elsewhere}\n[remote "origin"]\n\tpromisor = true\n')
    (git / "index.lock").write_bytes(b"")
    os.utime(git / "index.lock", (0, 0))
    head = (git / "HEAD").read_text().strip().removeprefix("ref: ")
    (git / "MERGE_HEAD").write_text((git / head).read_text())


def _program(path: Path, mark: Path) -> None:
    path.write_text(_SHELL.format(mark=mark))
    path.chmod(0o755)


if __name__ == "__main__":
    folder, place = map(Path, sys.argv[1:])
    lay(folder, place)
    lay_in_git(folder, place / ".git")
    leave_half_done(folder, place / ".git")
