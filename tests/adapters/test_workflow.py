"""WORKFLOW.md: its keys, its mistakes, its places."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.adapters.workflow import load_workflow
from symphony_cli.core.policy import STOP_LABELS, Policy, Rules
from symphony_cli.core.run import CodexSettings, Hooks, RunLimits
from symphony_cli.errors import ConfigError
from tests.adapters.workflow_files import MARKDOWN, load, refused


def test_without_optional_keys_everything_has_its_default(tmp_path: Path) -> None:
    workflow = load(tmp_path, MARKDOWN)
    assert workflow.policy == Policy()
    assert workflow.settings.codex == CodexSettings()
    assert workflow.settings.limits == RunLimits()
    assert workflow.settings.prompt.template == "Do it."
    assert workflow.settings.prompt.line == 5
    assert workflow.warnings == ()
    assert workflow.state_dir == tmp_path / "state"
    assert workflow.tracker.folder == tmp_path / "issues"


def test_every_key_that_is_acted_on_reaches_the_policy(tmp_path: Path) -> None:
    front = """\
tracker:
  kind: markdown
  active_states: [ToDo, " Rework "]
  terminal_states: [Done]
  blocked_states: [Rework]
  required_labels: [" Agent ", agent, UI]
  assignee: Ada
polling: {interval_ms: 5000}
workspace: {min_free_gb: 1.5}
agent:
  max_concurrent_agents: 3
  max_concurrent_agents_by_state: {" In  REVIEW ": 2}
  queue_order: priority
  max_retry_backoff_ms: 60000
  max_tokens_per_issue: 1000
  max_dispatch_attempts: 8
  cached_token_weight: 0.1
  handoff_grace_ms: 1000
  stop_continue_labels: [Hold, " "]
"""
    assert load(tmp_path, front).policy == Policy(
        rules=Rules(
            ("todo", "rework"),
            ("done",),
            ("rework",),
            ("agent", "ui"),
            ("hold", *STOP_LABELS),
            "Ada",
        ),
        interval=5.0,
        slots=3,
        slots_by_state={"in review": 2},
        queue_order="priority",
        backoff_cap=60.0,
        max_tokens_per_issue=1000,
        max_dispatch_attempts=8,
        cached_token_weight=0.1,
        handoff_grace=1.0,
        min_free_bytes=1_500_000_000,
    )


RUN_KEYS = """\
tracker: {kind: markdown}
state: {path: ../memory}
workspace:
  root: ~/work
  repo: ./code
  branch: agent/{key}
  env: {N: 1, T: true, X: null, D: $HOME}
  shared_dirs: [cache, /var/cache]
  mirror_path: ../code.git
  rescue_max_mb: 1
hooks: {after_create: a, before_run: b, after_run: c, before_remove: d, timeout_ms: 1500}
agent: {max_turns: 7, max_tokens_per_issue: 5, handoff_grace_ms: 2000, max_tracker_wait_ms: 4000}
codex:
  command: " codex app-server "
  home: codex-home
  env_exclude: [TOKEN]
  approval_policy: on-request
  thread_sandbox: dangerFullAccess
  turn_sandbox_policy: {type: workspace-write, networkAccess: true}
  input_answer: decline
  elicitation_policy: block
  read_timeout_ms: 90000
  stall_timeout_ms: 0
  turn_timeout_ms: 1000
  command_timeout_ms: 2000
  turn_limit_ms: 3000
  run_limit_ms: 0
  max_stall_recoveries: 0
"""


def test_every_key_that_is_acted_on_reaches_the_runs(tmp_path: Path) -> None:
    settings = load(tmp_path, RUN_KEYS).settings
    assert settings.workspace == replace(
        settings.workspace,
        root="/home/ada/work",
        repo=str(tmp_path / "code"),
        branch="agent/{key}",
        env={"N": "1", "T": "true", "X": "", "D": "$HOME"},
        shared_dirs=(str(tmp_path / "cache"), "/var/cache"),
        mirror=str(tmp_path.parent / "code.git"),
        rescue_max_bytes=1_000_000,
        hooks=Hooks("a", "b", "c", "d", 1.5),
    )
    assert settings.codex == CodexSettings(
        command="codex app-server",
        home=str(tmp_path / "codex-home"),
        env_exclude=("TOKEN",),
        approval_policy="on-request",
        thread_sandbox="danger-full-access",
        turn_sandbox_policy={"type": "workspaceWrite", "networkAccess": True},
        approval_answer="decline",
        input_answer="decline",
        elicitation_policy="block",
        start_timeout=90.0,
        stall_timeout=0.0,
        turn_silence=1.0,
        command_timeout=2.0,
        turn_limit=3.0,
        run_limit=None,
        max_stall_recoveries=0,
    )
    assert settings.limits == RunLimits(7, 5, 0.0)
    assert (settings.handoff_grace, settings.tracker_wait) == (2.0, 4.0)


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("polling: {interval_ms: soon}", 'polling.interval_ms must be a whole number, not "soon"'),
        ("polling: {interval_ms: 1.5}", "polling.interval_ms must be a whole number, not 1.5"),
        ("agent: {max_turns: 0}", "agent.max_turns must be more than 0, not 0"),
        ("agent: {max_turns: true}", "agent.max_turns must be a number, not true or false"),
        ("agent: {max_turns: [1]}", "agent.max_turns must be a whole number, not a list"),
        ("agent: 3", "agent must be a map, not 3"),
        ("agent: {queue_order: lifo}",
         "agent.queue_order must be 'fifo' or 'priority', not \"lifo\""),
        ("agent: {cached_token_weight: 2}", "agent.cached_token_weight must be at most 1, not 2"),
        ("agent: {max_concurrent_agents_by_state: {Todo: 0}}",
         "agent.max_concurrent_agents_by_state.Todo must be more than 0, not 0"),
        ("agent: {max_concurrent_agents_by_state: {' ': 1}}",
         "agent.max_concurrent_agents_by_state has a blank state name"),
        ("agent: {max_concurrent_agents_by_state: {Todo: few}}",
         'agent.max_concurrent_agents_by_state.Todo must be a whole number, not "few"'),
        ("agent: {prompt_template_by_state: {Todo: ' '}}",
         "agent.prompt_template_by_state has a blank prompt for Todo: write one or remove the"
         " state"),
        ("polling: {interval_ms: 9999999999999}",
         "polling.interval_ms must be at most 1000000000000, not 9999999999999"),
        ("workspace: {min_free_gb: 1e300}",
         'workspace.min_free_gb must be at most 1000000000, not "1e300"'),
        ("workspace: {min_free_gb: .inf}",
         "workspace.min_free_gb must be a finite number, not inf"),
        ("codex: {command: ''}", "codex.command cannot be blank"),
        ("codex: {command: '  '}", "codex.command cannot be blank"),
        ("codex: {command: 'a \"b'}",
         "codex.command cannot be split into words (No closing quotation)"),
        ("codex: {approval_policy: 3}",
         "codex.approval_policy must be a name such as never or on-request, or a map"),
        ("codex: {approval_policy: nevr}",
         'codex.approval_policy must be never, on-request or untrusted, not "nevr"'),
        ("codex: {approval_policy: {}}",
         "codex.approval_policy must be a name, or a map with granular as its only key"),
        ("codex: {approval_policy: {granular: {rules: 1}}}",
         "codex.approval_policy has a granular that is no map of names to true or false"),
        ("codex: {approval_policy: {granular: {rules: true}}}",
         "codex.approval_policy has a granular without sandbox_approval, mcp_elicitations"),
        ("codex: {approval_answer: cancel}",
         "codex.approval_answer must be 'decline', 'accept' or 'block', not \"cancel\""),
        ("codex: {input_answer: accept}",
         "codex.input_answer must be 'decline' or 'block', not \"accept\""),
        ("codex: {thread_sandbox: strict}",
         "codex.thread_sandbox must be read-only, workspace-write, danger-full-access or "
        "external-sandbox, "
         'not "strict"'),
        ("codex: {turn_sandbox_policy: {type: strict}}",
         "codex.turn_sandbox_policy has a type that must be readOnly, workspaceWrite, "
         'dangerFullAccess or externalSandbox, not "strict"'),
        ("codex: {thread_sandbox: 3}",
         "codex.thread_sandbox must be text, not 3 (put it in quotes)"),
        ("codex: {turn_sandbox_policy: strict}",
         'codex.turn_sandbox_policy must be a map, not "strict"'),
        ("codex: {elicitation_policy: accept}",
         "codex.elicitation_policy must be 'decline' or 'block', not \"accept\""),
        ("workspace: {branch: fixed}",
         "workspace.branch must contain {key}, or all issues would share one branch"),
        ("workspace: {env: {A: [1]}}",
         "workspace.env must hold one text per name, and A is a list or a map"),
        ("workspace: {root: $HOME/work}",
         "workspace.root: only a whole value $NAME is looked up: write ~/… or the full path"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_line_and_key(tmp_path: Path, front: str, told: str) -> None:
    assert refused(tmp_path, f"{MARKDOWN}{front}\n") == f"line 4: {told}."


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("  active_states: Todo, Doing", 'tracker.active_states must be a list, not "Todo, Doing"'),
        ("  active_states: [Todo, No]",
         "tracker.active_states[2] must be text, not false (put it in quotes)"),
        ("  commit: 1", "tracker.commit must be true or false, not 1"),
        ("  api_key: [lin_secret]", "tracker.api_key must be text, not what is there"),
    ],
)  # fmt: skip
def test_a_wrong_value_of_the_tracker_is_named(tmp_path: Path, line: str, told: str) -> None:
    assert refused(tmp_path, f"{MARKDOWN}{line}\n") == f"line 4: {told}."


def test_all_faults_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    front = "agent:\n  max_turns: 0\n  max_concurrent_agents: x\ntracker:\n  kind: '123'\n"
    assert refused(tmp_path, front) == (
        "line 3: agent.max_turns must be more than 0, not 0; line 4: agent.max_concurrent_agents"
        " must be a whole number, not \"x\"; line 6: tracker.kind must be 'linear' or 'markdown',"
        ' not "123".'
    )


def test_null_counts_as_absent(tmp_path: Path) -> None:
    plain = load(tmp_path, MARKDOWN)
    nulls = load(tmp_path, f"{MARKDOWN}  assignee: null\nagent:\n  max_turns:\ncodex:\n")
    found = replace(
        nulls.settings,
        prompt=plain.settings.prompt,
        workflow_blob=plain.settings.workflow_blob,
    )
    assert (found, nulls.policy, nulls.warnings) == (plain.settings, plain.policy, ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\na: [\n---\nx", "line 3: not valid YAML: "),
        ("---\ntracker:\n\tkind: x\n---\n", "line 3: not valid YAML: "),
        ("---\n- a\n- b\n---\nx", "line 2: the front matter is no map"),
        ("---\njust text\n---\nx", "line 2: the front matter is no map"),
        ("---\ntracker:\n  kind: markdown\n", "line 1: the front matter has no end"),
        ("---\na: 1\nagent:\n  b: 1\na: 2\n---\n", "line 5: a is given a second time"),
        ("---\nagent:\n  b: 1\n  b: 2\n---\n", "line 4: b is given a second time"),
        ("---\n---\nx", "line 1: tracker.kind is missing"),
        ("---\nagent: {}\n---\nx", "line 1: tracker.kind is missing"),
        ("---\ntracker: {path: x}\n---\nx", "line 2: tracker.kind is missing"),
        ("Only a prompt.", "line 1: there is no front matter, only a prompt"),
        ("", "line 1: there is no front matter, only a prompt"),
        ("---\na: !!python/object:os.system x\n---\n", "line 2: not valid YAML: "),
        ("---\nb: &x [*x]\na: 2026-13-45\n---\n", "line 3: not valid YAML: month"),
        ("---\nb: [1]\na: 2026-13-45\n---\n", "line 3: not valid YAML: month must be in 1..12"),
    ],
)
def test_each_way_to_break_the_front_matter_has_its_own_message(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_workflow(path, {})
    assert str(caught.value).startswith(f"{path}, {told}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"WORKFLOW\.md does not exist: create it, or name"):
        load_workflow(tmp_path / "WORKFLOW.md", {})


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "WORKFLOW.md").mkdir()
    with pytest.raises(ConfigError, match=r"WORKFLOW\.md cannot be read \(Is a directory\)"):
        load_workflow(tmp_path / "WORKFLOW.md", {})


def test_bytes_that_are_no_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_bytes(b"---\ntracker:\n  kind: \xff\n---\n")
    with pytest.raises(ConfigError, match="line 3: not UTF-8"):
        load_workflow(path, {})


def test_a_file_from_another_editor_loads(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_bytes(
        b"\xef\xbb\xbf--- \r\ntracker:\r\n  kind: markdown\r\n---\r\n\r\nDo\r\nit.\r\n"
    )
    prompt = load_workflow(path, {}).settings.prompt
    assert (prompt.template, prompt.line) == ("Do\nit.", 6)


def test_a_template_error_names_the_line_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_text(f"---\n{MARKDOWN}---\n\nHello\n{{% unless x %}}\n")
    with pytest.raises(
        ConfigError, match=r"WORKFLOW\.md, line 7: Encountered unknown tag 'unless'"
    ):
        load_workflow(path, {})
    assert load_workflow(path, {}, check_templates=False).settings.prompt.line == 6


def test_a_template_error_of_a_state_names_the_line_in_the_file(tmp_path: Path) -> None:
    front = (
        f"{MARKDOWN}agent:\n  prompt_template_by_state:\n    Review: |\n      a\n      {{% if %}}\n"
    )
    assert refused(tmp_path, front).startswith("line 8: Expected an expression")


def test_templates_by_state_are_found_by_normal_names(tmp_path: Path) -> None:
    front = f'{MARKDOWN}agent:\n  prompt_template_by_state: {{" In  Review ": look}}\n'
    assert load(tmp_path, front).settings.prompt.by_state == {"in review": "look"}


def test_unknown_keys_are_kept_and_named(tmp_path: Path) -> None:
    front = f"{MARKDOWN}  provider: {{team: x}}\nagent:\n  max_turn: 3\nshape: round\n"
    workflow = load(tmp_path, front)
    path = tmp_path / "WORKFLOW.md"
    assert workflow.tracker.provider == {"team": "x"}
    assert workflow.warnings == (
        f"{path}, line 4: tracker.provider.team is not a key we know; it is ignored.",
        f"{path}, line 6: agent.max_turn is not a key we know; did you mean agent.max_turns?",
        f"{path}, line 7: shape is not a key we know; it is ignored.",
    )


def test_keys_that_nothing_follows_from_yet_are_named_when_set(tmp_path: Path) -> None:
    front = (
        f"{MARKDOWN}health:\n  url: http://127.0.0.1\nworkspace:\n  root: /w\n"
        "notify: {command: [a]}\n"
    )
    path = tmp_path / "WORKFLOW.md"
    assert load(tmp_path, front).warnings == (
        f"{path}, line 5: health.url is not acted on yet.",
        f"{path}, line 8: notify.command is not acted on yet.",
    )


def test_keys_of_another_symphony_are_accepted_in_silence(tmp_path: Path) -> None:
    front = (
        f"{MARKDOWN}server: {{port: 0, host: x}}\nobservability: {{dashboard_enabled: false}}\n"
        "worker: {ssh_hosts: [a], max_concurrent_agents_per_host: 2}\n"
    )
    assert load(tmp_path, front).warnings == ()


def test_a_state_that_is_active_and_terminal_is_named(tmp_path: Path) -> None:
    front = f"{MARKDOWN}  active_states: [Todo, done]\n"
    assert load(tmp_path, front).warnings == (
        f"{tmp_path / 'WORKFLOW.md'}, line 4: the state done is active and terminal; it counts as"
        " terminal.",
    )


def test_a_blank_required_label_stays_and_matches_nothing(tmp_path: Path) -> None:
    front = f"{MARKDOWN}  required_labels: [' ']\n"
    assert load(tmp_path, front).policy.rules.required_labels == ("",)


@pytest.mark.parametrize(
    ("written", "policy", "answer"),
    [
        ("never", "never", "accept"),
        ("on-failure", "on-request", "decline"),
        ("untrusted", "untrusted", "decline"),
        ("{reject: {sandbox_approval: true, rules: false}}",
         {"granular": {"sandbox_approval": False, "rules": True, "mcp_elicitations": True}},
         "decline"),
        ("{granular: {rules: true, sandbox_approval: false, mcp_elicitations: false}}",
         {"granular": {"rules": True, "sandbox_approval": False, "mcp_elicitations": False}},
         "decline"),
    ],
)  # fmt: skip
def test_approval_policies_old_and_new_are_understood(
    tmp_path: Path, written: str, policy: Any, answer: str
) -> None:
    codex = load(tmp_path, f"{MARKDOWN}codex: {{approval_policy: {written}}}\n").settings.codex
    assert (codex.approval_policy, codex.approval_answer) == (policy, answer)


def test_a_start_up_always_gets_a_minute(tmp_path: Path) -> None:
    codex = load(tmp_path, f"{MARKDOWN}codex: {{read_timeout_ms: 5}}\n").settings.codex
    assert codex.start_timeout == 60.0


def test_workspaces_are_kept_in_the_user_s_state_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my project"
    folder.mkdir()
    root = Path(load(folder, MARKDOWN).settings.workspace.root)
    fingerprint = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    assert root == Path(f"/home/ada/.local/state/symphony/workspaces/my_project-{fingerprint}")


@pytest.mark.parametrize(
    ("root", "environ", "expected"),
    [
        ("$WORK", {"WORK": "/w"}, "/w"),
        ("$WORK", {"WORK": "~/w"}, "/home/ada/w"),
        ("$WORK", {"WORK": "w"}, "{here}/w"),
        ("../w", {}, "{above}/w"),
        ("~", {}, "/home/ada"),
        ("env:WORK", {"WORK": "/w"}, "{here}/env:WORK"),
        ("/a/../b", {}, "/b"),
    ],
)
def test_paths_know_variables_home_and_the_folder_of_the_file(
    tmp_path: Path, root: str, environ: dict[str, str], expected: str
) -> None:
    workflow = load(tmp_path, f"{MARKDOWN}workspace: {{root: '{root}'}}\n", **environ)
    here = expected.format(here=tmp_path, above=tmp_path.parent)
    assert workflow.settings.workspace.root == here


@pytest.mark.parametrize("environ", [{}, {"WORK": ""}])
def test_an_unset_variable_leaves_the_default(tmp_path: Path, environ: dict[str, str]) -> None:
    front = f"{MARKDOWN}workspace: {{root: $WORK}}\nstate: {{path: $WORK}}\n"
    workflow = load(tmp_path, front, **environ)
    assert workflow.settings.workspace.root == load(tmp_path, MARKDOWN).settings.workspace.root
    assert workflow.state_dir == tmp_path / "state"


def test_the_same_file_by_another_path_is_the_same_workflow(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    workflow = load(tmp_path / "real", MARKDOWN)
    assert load_workflow(tmp_path / "link" / "WORKFLOW.md", {"HOME": "/home/ada"}) == workflow
