import os
import subprocess
from pathlib import Path

import pytest

from symphony_cli.adapters.envfile import environment, read_env_file
from symphony_cli.errors import ConfigError


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_lines_comments_quotes_and_export_are_understood(tmp_path: Path) -> None:
    text = "\n".join(
        [
            "# a comment",
            "",
            "PLAIN=value # why",
            "export EXPORTED = yes",
            'DOUBLE="a \\"b\\" # c\\n"  # after',
            "SINGLE='$raw \\n'",
            "HASH=a#b",
            "EMPTY=",
            "WINDOWS=line\r",
            "TWICE=1",
            "TWICE=2",
        ]
    )
    assert read_env_file(written(tmp_path / "symphony.env", text)) == {
        "PLAIN": "value",
        "EXPORTED": "yes",
        "DOUBLE": 'a "b" # c\n',
        "SINGLE": "$raw \\n",
        "HASH": "a#b",
        "EMPTY": "",
        "WINDOWS": "line",
        "TWICE": "2",
    }


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "symphony.env", "A=1", mode)
    with pytest.raises(ConfigError, match=r"may be read by others: run `chmod 600 "):
        read_env_file(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("just words", "line 2: this is no KEY=value"),
        ("1A=x", "line 2: this is no KEY=value"),
        ('A="open', "line 2: the quotes around A do not match"),
        ("A='x' y", "line 2: the quotes around A do not match"),
        ("A=x\0y", "line 2: A holds a NUL character"),
        ("PATH=/opt/bin:$PATH", "line 2: PATH holds a $"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = written(tmp_path / "symphony.env", f"GOOD=1\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)
    assert str(caught.value).startswith(f"{path}, {told}")


def test_an_error_never_shows_the_value(tmp_path: Path) -> None:
    path = written(tmp_path / "symphony.env", "KEY='lin_secret_value")
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)
    assert "lin_secret" not in str(caught.value)


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "symphony.env"
    path.write_bytes(b"A=\xff")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_env_file(path)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "symphony.env"
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError) as caught:
        environment({}, tmp_path)
    assert str(caught.value) == (f"{path} cannot be read (it is no regular file): check the file.")


def test_without_a_file_the_environment_is_what_it_was(tmp_path: Path) -> None:
    assert environment({"A": "1"}, tmp_path) == {"A": "1"}


def test_the_file_wins_over_the_terminal(tmp_path: Path) -> None:
    written(tmp_path / "symphony.env", "PATH=/opt/bin\nSSH_AUTH_SOCK=/run/agent")
    assert environment({"PATH": "/bin", "A": "1"}, tmp_path) == {
        "PATH": "/opt/bin",
        "SSH_AUTH_SOCK": "/run/agent",
        "A": "1",
    }


def test_another_file_takes_the_place_of_the_usual_one(tmp_path: Path) -> None:
    written(tmp_path / "symphony.env", "A=usual\nB=usual")
    other = written(tmp_path / "other.env", "A=other")
    assert environment({}, tmp_path, str(other)) == {"A": "other"}


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.env does not exist"):
        environment({}, tmp_path, str(tmp_path / "no.env"))


@pytest.mark.real
def test_a_file_that_git_could_commit_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    written(tmp_path / "symphony.env", "PATH=/usr/local/bin:/usr/bin:/bin")
    with pytest.raises(ConfigError, match=r"is not ignored by git .*add symphony\.env"):
        environment({}, tmp_path)


@pytest.mark.real
def test_a_file_that_git_ignores_is_read(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("symphony.env\n")
    written(tmp_path / "symphony.env", "PATH=/usr/local/bin:/usr/bin:/bin\nA=1")
    assert environment({}, tmp_path)["A"] == "1"


@pytest.mark.real
def test_a_file_that_is_tracked_is_refused_though_it_is_ignored(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / ".gitignore").write_text("symphony.env\n")
    written(tmp_path / "symphony.env", "PATH=/usr/local/bin:/usr/bin:/bin")
    subprocess.run([*git, "add", "-f", "symphony.env"], check=True)
    with pytest.raises(ConfigError, match="is not ignored by git"):
        environment({}, tmp_path)
