"""A key is a folder name: whatever an issue is called, it is safe, short and nobody else's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.ids import digest, key_for, new_ledger_id, new_run_id, write_id

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
LONGEST = 80

anything = st.text(alphabet=st.characters(), max_size=80)
nasty = st.text(alphabet="aA./\\.-_ é\x00\n", max_size=12)


def given_keys(*identifiers: str) -> list[str]:
    keys: list[str] = []
    for identifier in identifiers:
        keys.append(key_for(identifier, {key.lower() for key in keys}))
    return keys


@pytest.mark.parametrize("name", ["ABC-123", "a", "fix_login.v2", "1", "x" * 60])
def test_a_plain_identifier_is_its_own_key(name: str) -> None:
    assert key_for(name, ()) == name


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("feature/login", "feature_login"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "issue"),
        (".", "issue"),
        ("", "issue"),
        ("   ", "___"),
        (".git", "git"),
        ("-rf", "rf"),
        ("ABC-1.", "ABC-1"),
        ("ABC-1\n", "ABC-1_"),
        ("größe", "gr__e"),
        ("問題", "__"),
        ("nul\x00byte", "nul_byte"),
        ("x" * 300, "x" * 60),
        ("y" * 59 + "./z", "y" * 59),
    ],
)
def test_a_name_that_is_no_folder_name_is_changed_and_marked(name: str, stem: str) -> None:
    assert key_for(name, ()) == f"{stem}-{digest(name)}"


def test_names_that_become_alike_stay_apart() -> None:
    first, second, third = given_keys("a/b", "a_b", "a:b")
    assert (first, second, third) == (f"a_b-{digest('a/b')}", "a_b", f"a_b-{digest('a:b')}")


def test_names_that_differ_only_in_case_stay_apart_on_any_file_system() -> None:
    assert given_keys("ABC-1", "abc-1", "Abc-1") == [
        "ABC-1",
        f"abc-1-{digest('abc-1')}",
        f"Abc-1-{digest('Abc-1')}",
    ]


def test_one_name_that_two_issues_have_makes_numbered_keys() -> None:
    mark = digest("A")
    assert given_keys("A", "A", "A", "A") == ["A", f"A-{mark}", f"A-{mark}-2", f"A-{mark}-3"]


def test_a_name_that_looks_like_somebody_elses_fingerprint_is_told_apart() -> None:
    fingerprint = f"a_b-{digest('a/b')}"
    assert given_keys(fingerprint, "a/b") == [fingerprint, f"{fingerprint}-2"]


@given(st.lists(anything | nasty, max_size=8))
def test_a_key_is_always_one_safe_path_component_and_unique_without_case(
    identifiers: list[str],
) -> None:
    keys = given_keys(*identifiers)
    assert [key for key in keys if not SAFE.fullmatch(key) or len(key) > LONGEST] == []
    assert len({key.casefold() for key in keys}) == len(keys)


@given(st.text(alphabet=st.characters(categories=("Cs", "Ll")), max_size=5))
def test_even_half_a_character_has_a_fingerprint(text: str) -> None:
    assert re.fullmatch("[0-9a-f]{8}", digest(text))


def test_a_write_has_the_same_id_each_time_and_another_for_anything_else() -> None:
    ids = [write_id("label", "ABC", "1"), write_id("label", "ABC1", ""), write_id("labelABC", "1")]
    assert len(set(ids)) == 3
    assert write_id("label", "ABC", "1") == ids[0]


def test_random_names_are_random() -> None:
    assert len({*(new_run_id() for _ in range(50)), *(new_ledger_id() for _ in range(50))}) == 100
