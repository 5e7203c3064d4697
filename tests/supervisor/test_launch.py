from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import launch

from .play import brief, order

ROOTS = ["/ws", "/ws/.git", "/cache", "/shared"]
WRITE = {
    "type": "workspaceWrite",
    "networkAccess": False,
    "excludeTmpdirEnvVar": False,
    "excludeSlashTmp": False,
    "writableRoots": ROOTS,
}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("never", "never"),
        ("on-failure", "on-request"),
        (
            {"reject": {"sandbox_approval": True, "rules": False, "request_permissions": True}},
            {
                "granular": {
                    "sandbox_approval": False,
                    "rules": True,
                    "mcp_elicitations": True,
                    "request_permissions": False,
                }
            },
        ),
        ({"granular": {"rules": True}}, {"granular": {"rules": True}}),
    ],
)
def test_an_old_approval_policy_is_said_in_todays_words(written: Any, sent: Any) -> None:
    assert launch.approval_policy(written) == sent


@pytest.mark.parametrize(
    ("codex", "policy"),
    [
        (CodexSettings(), WRITE),
        (CodexSettings(turn_sandbox_policy="workspace-write"), WRITE),
        (
            CodexSettings(
                turn_sandbox_policy={
                    "type": "workspaceWrite",
                    "networkAccess": True,
                    "excludeSlashTmp": True,
                    "writableRoots": ["/mine", "/ws"],
                }
            ),
            {
                **WRITE,
                "networkAccess": True,
                "excludeSlashTmp": True,
                "writableRoots": ["/mine", *ROOTS],
            },
        ),
        (CodexSettings(thread_sandbox="danger-full-access"), {"type": "dangerFullAccess"}),
        (CodexSettings(turn_sandbox_policy={"type": "read-only"}), {"type": "readOnly"}),
        (
            CodexSettings(
                turn_sandbox_policy={"type": "externalSandbox", "networkAccess": "enabled"}
            ),
            {"type": "externalSandbox", "networkAccess": "enabled"},
        ),
    ],
)
def test_the_sandbox_of_a_turn_is_said_completely(codex: CodexSettings, policy: Any) -> None:
    params = launch.turn_params("t", "hi", order(codex), brief())
    assert params["sandboxPolicy"] == policy


def test_a_new_thread_gets_workspace_policy_and_tools() -> None:
    params = launch.start_params(order(CodexSettings(thread_sandbox="readOnly")), brief())
    names = [tool["name"] for tool in params.pop("dynamicTools")]
    assert (params, names) == (
        {"cwd": "/ws", "approvalPolicy": "never", "sandbox": "read-only"},
        ["issue_update", "symphony_block"],
    )


def test_the_native_binary_is_preferred_to_the_login_shell() -> None:
    settings = CodexSettings(command="codex --x app-server")
    assert [
        launch.command(settings, brief(argv=("/bin/codex", "app-server"))),
        launch.command(settings, brief()),
    ] == [("/bin/codex", "app-server"), ("bash", "-lc", "codex --x app-server")]


def test_the_version_is_read_from_the_user_agent() -> None:
    agent = "symphony/0.169.0 (Debian 12.0.0; x86_64) xterm (symphony; 0.1.0)"
    assert [launch.version_of(agent), launch.version_of("nonsense")] == ["0.169.0", ""]
