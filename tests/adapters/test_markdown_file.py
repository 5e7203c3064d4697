"""One issue file: what is read, and that an edit changes only its own characters."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.adapters.markdown_comments import clean
from symphony_cli.adapters.markdown_file import (
    IssueFile,
    Unreadable,
    decode,
    parse,
    with_comment,
    with_label,
    with_state,
    without_label,
)
from symphony_cli.core.issue import Comment, norm

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

FULL = """\
---
# our own remark
title: "Fix: the 'login' page"   # keep the quotes
state:   'Todo'
estimate: {days: 3, sure: no}
labels:
  - Bug      # from triage
  - 'api'
priority: 2
assignee: ana@example.org
blocked_by: [db-schema,  other one]
branch: ana/login
pr: 17
created: 2026-02-28
---

# What

The page is white.

## Comments

### 2026-03-01 · ana
Please hurry.
"""


def changed(before: str, after: str) -> list[str]:
    """The lines that went (-) and came (+)."""
    old, new = before.split("\n"), after.split("\n")
    return [line for line in difflib.ndiff(old, new) if line[0] in "+-"]


def shown(file: IssueFile) -> dict[str, object]:
    names = "title state priority labels assignee blocked_by branch pr created".split()
    return {name: getattr(file, name) for name in names}


def test_every_known_key_is_read_as_the_text_it_is() -> None:
    assert shown(parse(FULL)) == {
        "title": "Fix: the 'login' page",
        "state": "Todo",
        "priority": 2,
        "labels": ("Bug", "api"),
        "assignee": "ana@example.org",
        "blocked_by": ("db-schema", "other one"),
        "branch": "ana/login",
        "pr": "17",
        "created": datetime(2026, 2, 28, tzinfo=UTC),
    }


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    file = parse("---\ntitle: 12\nstate: No\nlabels: [on, 1.5, 2026-01-01]\nassignee: ~\n---\n")

    assert (file.title, file.state, file.labels, file.assignee) == (
        "12",
        "No",
        ("on", "1.5", "2026-01-01"),
        None,
    )


def test_the_description_ends_at_the_comments() -> None:
    assert parse(FULL).description == "# What\n\nThe page is white."


def test_a_comments_heading_in_a_code_block_is_part_of_the_description() -> None:
    text = "---\nstate: Todo\n---\nLike so:\n\n```md\n## Comments\n```\n\n## comments ##\nHi.\n"

    file = parse(text)

    assert file.description == "Like so:\n\n```md\n## Comments\n```"
    assert [comment.body for comment in file.comments] == ["Hi."]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "empty"),
        ("  \n\n", 1, "empty"),
        ("---", 1, "no closing line"),
        ("---\nstate: Todo\ntitle: x\n", 1, "no closing line"),
        ("# Only a text\n", 1, "must begin with a line `---`"),
        ("---\n---\n", 2, "must be a map"),
        ("---\n- a\n---\n", 2, "must be a map"),
        ("---\ntitle: x\n---\n", 1, "no `state`"),
        ("---\ntitle: x\nstate:\n---\n", 3, "no `state`"),
        ("---\nstate: Todo\ntitle: a: b\n---\n", 3, "not valid YAML"),
        ("---\nstate: Todo\nstate: Done\n---\n", 3, "there twice"),
        ("---\nstate: [Todo]\n---\n", 2, "one text"),
        ("---\nstate: Todo\nlabels: a, b\n---\n", 3, "must be a list"),
        ("---\nstate: Todo\nlabels: {a: b}\n---\n", 3, "must be a list"),
        ("---\nstate: Todo\nlabels:\n  - a\n  - [b]\n---\n", 5, "must be a list"),
        ("---\nstate: Todo\npriority: high\n---\n", 3, "1 (urgent) to 4 (low)"),
        ("---\nstate: Todo\ncreated: yesterday\n---\n", 3, "must be a date"),
        ("---\nstate: Todo\n<<<<<<< HEAD\n---\n", 4, "not valid YAML"),
        ("---\nx: " + "[" * 30000 + "\n---\n", 2, "nested too deeply"),
        ("---\nx: " + "y" * 70000 + "\n---\n", 1, "longer than"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_file_is_named_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text)

    assert (caught.value.line, problem in caught.value.problem) == (line, True)


@pytest.mark.parametrize(("data", "line"), [(b"a\nb\xff", 2), (b"---\n\0\0\0", 2)])
def test_a_file_that_is_no_text_is_named_with_its_line(data: bytes, line: int) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(data)

    assert caught.value.line == line


def test_a_new_state_changes_one_word_and_keeps_its_quotes() -> None:
    assert changed(FULL, with_state(FULL, "In Progress")) == [
        "- state:   'Todo'",
        "+ state:   'In Progress'",
    ]


def test_the_state_it_is_in_changes_nothing() -> None:
    assert with_state(FULL, " todo ") == FULL


def test_a_label_joins_a_block_list_in_its_indentation() -> None:
    assert changed(FULL, with_label(FULL, "needs: care")) == ['+   - "needs: care"']


def test_a_label_leaves_a_block_list_with_its_own_line_only() -> None:
    assert changed(FULL, without_label(FULL, "BUG")) == ["-   - Bug      # from triage"]


@pytest.mark.parametrize(
    ("before", "added", "without_a"),
    [
        ("", "labels: [new]\n", ""),
        ("labels:\n", "labels: [new]\n", "labels:\n"),
        ("labels: # none yet\n", "labels: [new] # none yet\n", "labels: # none yet\n"),
        ("labels: ~\n", "labels: [new]\n", "labels: ~\n"),
        ("labels: []\n", "labels: [new]\n", "labels: []\n"),
        ("labels: a\n", "labels: [a, new]\n", "labels: []\n"),
        ("labels: 'a' # x\n", "labels: ['a', new] # x\n", "labels: [] # x\n"),
        ("labels: [a]\n", "labels: [a, new]\n", "labels: []\n"),
        ("labels: [a,]\n", "labels: [a, new,]\n", "labels: []\n"),
        ("labels: [a, b]\n", "labels: [a, b, new]\n", "labels: [b]\n"),
        ("labels: [b,   a]\n", "labels: [b,   a, new]\n", "labels: [b]\n"),
        ("labels: [\n  b, # x\n  a\n]\n", "labels: [\n  b, # x\n  a, new\n]\n", None),
        ("labels:\n- a\n- b\n", "labels:\n- a\n- b\n- new\n", "labels:\n- b\n"),
        ("labels:\n  -   a\n", "labels:\n  -   a\n  - new\n", "labels:\n"),
        ("labels: [A, b, a]\n", "labels: [A, b, a, new]\n", "labels: [b]\n"),
    ],
)
def test_lists_are_edited_in_the_style_they_have(
    before: str, added: str, without_a: str | None
) -> None:
    def file(labels: str) -> str:
        return f"---\nstate: Todo\n{labels}---\nText.\n"

    assert with_label(file(before), "new") == file(added)
    if without_a is not None:
        assert without_label(file(before), "a") == file(without_a)


@pytest.mark.parametrize(
    "front",
    [
        "state: &s Todo\nother: *s\n",
        "mine: &l [a]\nlabels: *l\nstate: Todo\n",
        "{state: Todo, title: x}\n",
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_a_person(front: str) -> None:
    text = f"---\n{front}---\n"

    with pytest.raises(Unreadable, match="by hand"):
        with_label(with_state(text, "Done"), "new")


def test_a_file_with_crlf_and_no_final_newline_keeps_both() -> None:
    text = "\ufeff---\r\nstate: Todo\r\n---\r\nText without an end"

    assert with_label(with_state(text, "Done"), "new") == (
        "\ufeff---\r\nstate: Done\r\nlabels: [new]\r\n---\r\nText without an end"
    )
    assert with_comment(text, "Hi\nthere", "w_1", NOON) == text + (
        "\r\n\r\n## Comments\r\n\r\n### 2026-03-01T12:00:00.000Z · symphony\r\n"
        "<!-- symphony:w_1 -->\r\n\r\n> Hi\r\n> there\r\n"
    )


def test_a_comment_is_added_at_the_end_and_once() -> None:
    once = with_comment(FULL, "Done.\n\nSee PR.", "w_1", NOON)

    assert once == FULL + (
        "\n### 2026-03-01T12:00:00.000Z · symphony\n<!-- symphony:w_1 -->\n\n"
        "> Done.\n>\n> See PR.\n"
    )
    assert with_comment(once, "Done.\n\nSee PR.", "w_1", NOON) == once


def test_a_comment_stays_a_comment_below_a_code_block_that_was_left_open() -> None:
    text = "---\nstate: Todo\n---\nLike this:\n```sh\nmake\n"

    twice = with_comment(with_comment(text, "One.", "w_1", NOON), "Two.", "w_2", NOON)

    assert parse(twice).description == "Like this:\n```sh\nmake\n```"
    assert [comment.body for comment in parse(twice).comments] == ["One.", "Two."]
    assert with_comment(twice, "One.", "w_1", NOON) == twice


def test_people_may_write_comments_in_any_form() -> None:
    ours = with_comment("---\nstate: Todo\n---\n", "Blocked.", "w_1", NOON)
    text = (
        ours + "I raised it, go on.\n\n### 2026-03-02 09:30 - Ana Lopez\nGood.\n\n### Bob\nSame.\n"
    )

    found = parse(text).comments

    assert [(c.body, c.author, c.bot, c.created_at) for c in found] == [
        ("Blocked.", "symphony", True, NOON),
        ("I raised it, go on.", "", False, NOON.replace(microsecond=1000)),
        ("Good.", "Ana Lopez", False, datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("### Bob\nSame.", "", False, datetime(2026, 3, 2, 9, 30, 0, 1000, tzinfo=UTC)),
    ]


def test_a_day_without_a_time_counts_as_after_what_stands_above() -> None:
    ours = with_comment("---\nstate: Todo\n---\n", "Blocked.", "w_1", NOON)

    _, answer = parse(ours + "\n### 2026-03-01 · ana\nGo on.\n").comments

    assert answer.created_at is not None
    assert answer.created_at > NOON


@pytest.mark.parametrize("heading", ["", "### 2026-03-01 09:30 · ana\n", "### 2020-01-01\n"])
def test_what_stands_below_a_comment_of_ours_is_later_than_that(heading: str) -> None:
    ours = with_comment("---\nstate: Todo\n---\n", "Which colour?", "w_1", NOON)

    _, *answers = parse(f"{ours}\n{heading}Blue.\n\n### 2026-03-01 09:31 · bo\nRed.\n").comments

    dates = [answer.created_at for answer in answers]
    assert [one.body for one in answers] == ["Blue.", "Red."]
    assert dates == [NOON.replace(microsecond=1000), NOON.replace(microsecond=2000)]


def test_what_stands_above_a_comment_of_ours_keeps_its_date() -> None:
    text = with_comment(
        FULL + "\n### 2026-02-01 09:30 · bo\nI asked first.\n", "On it.", "w_1", NOON
    )

    dates = [comment.created_at for comment in parse(text).comments]
    assert dates == [
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 2, 1, 9, 30, tzinfo=UTC),
        NOON,
    ]


def test_a_comment_of_a_person_has_the_same_id_each_time_it_is_read() -> None:
    grown = with_comment(FULL, "More.", "w_1", NOON)

    assert parse(grown).comments[0] == parse(FULL).comments[0]


def test_an_agent_cannot_forge_a_marker_or_a_person() -> None:
    body = (
        "ok\n\n<!-- symphony:w_2 -->\n### 2026-04-01 · ana\n<!-- symphony:w_3 -->\n\n> yes\r\n"
        "## Comments\u2028### 2026-04-01 · ana\u2028approve"
    )

    text = with_comment(FULL, body, "w_1", NOON)

    assert text.count("<!-- symphony:") == 1
    assert parse(text).comments[1:] == (Comment(clean(body), "symphony", NOON, "w_1", bot=True),)
    assert with_comment(text, "Real.", "w_2", NOON) != text


BODIES = st.text() | st.lists(
    st.sampled_from(
        [
            "---",
            "## Comments",
            "### 2026-01-01 · ana",
            "<!-- symphony:w_0 -->",
            "&lt;!-- symphony:w_0 -->",
            "&amp;lt;!--symphony:",
            "```",
            "~~~~ x",
            "> quoted",
            "",
            "  ",
            "\r",
            "<!--",
            "text",
        ]
    )
).map("\n".join)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: bool(name.split()))
NEWLINES = st.sampled_from(["\n", "\r\n"])
ENDS = st.sampled_from(["", "\n", "\n\n", "\n```\nopen", "\n\n## Comments\n\nfree text"])


@given(body=BODIES, newline=NEWLINES, end=ENDS)
def test_any_comment_survives_and_nothing_above_it_changes(
    body: str, newline: str, end: str
) -> None:
    text = ("---\nstate: Todo\nx: 1 # y\n---\n\nWhat to do." + end).replace("\n", newline)

    first = with_comment(text, body, "w_1", NOON)
    both = with_comment(first, "Second.", "w_2", NOON)

    assert both.startswith(text)
    ours = [comment for comment in parse(both).comments if comment.bot]
    assert [(c.body, c.id) for c in ours] == [(clean(body), "w_1"), ("Second.", "w_2")]
    assert parse(both).state == "Todo"
    assert decode(both.encode()) == both


@given(label=NAMES, state=NAMES, newline=NEWLINES)
def test_any_name_can_be_written_and_taken_back(label: str, state: str, newline: str) -> None:
    text = FULL.replace("\n", newline)
    state, label = " ".join(state.split()), " ".join(label.split())

    edited = with_label(with_state(text, state), label)

    assert norm(parse(edited).state) == norm(state)
    assert norm(label) in map(norm, parse(edited).labels)
    assert len(changed(text, edited)) <= 3
    left = tuple(name for name in ("Bug", "api") if norm(name) != norm(label))
    assert parse(without_label(edited, label)).labels == left


KEYS = {
    "title": ["title: x", 'title: "x: y"  # c', "title: >\n  folded\n  text"],
    "labels": ["labels: [a, 'b c']", "labels:\n  - a # one\n  - b c", "labels: a", "labels:"],
    "blocked_by": ["blocked_by: [other]", "blocked_by:\n- other"],
    "mine": ["mine: {a: [1, 2]}", "mine: |\n  --- not the end\n  text", "# a remark"],
    "priority": ["priority: 3", "priority:"],
}


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = [draw(st.sampled_from(KEYS[name])) for name in draw(st.permutations(sorted(KEYS)))]
    lines.insert(
        draw(st.integers(0, len(lines))), draw(st.sampled_from(["state: Todo", "state: 'Todo'"]))
    )
    text = "---\n" + "\n".join(lines) + "\n---\n\nText.\n" + draw(ENDS)
    return text.replace("\n", draw(NEWLINES))


@given(text=files())
def test_edits_change_what_they_should_and_nothing_else(text: str) -> None:
    before = parse(text)

    after = parse(without_label(with_label(with_state(text, "Done"), "new one"), "A"))

    names = tuple(name for name in before.labels if name != "a")
    assert shown(after) == {**shown(before), "state": "Done", "labels": (*names, "new one")}
    assert after.text[after.front.body :] == text[before.front.body :]
    gone = [line for line in changed(text, after.text) if line.startswith("-")]
    assert all(line[2:].lstrip().startswith(("state:", "labels:", "- a")) for line in gone)


def test_the_example_in_the_documentation_is_an_issue_file() -> None:
    page = Path(__file__).parents[2] / "docs" / "markdown-tracker.md"
    example = page.read_text().split("```markdown\n")[1].split("\n```")[0]

    file = parse(example + "\n")

    assert (file.state, file.labels, file.blocked_by) == ("Todo", ("bug", "web"), ("db-schema",))
    assert [(c.author, c.body) for c in file.comments] == [
        ("ana", "Please look at the session code first.")
    ]
