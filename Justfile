# The commands of the README under short names; `.venv` is made by `just test` or `just demo`.

# Show the recipes.
default:
    @just --list

# Watch three issues being solved: no account, no model.
demo:
    python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/symphony demo

# Install with everything for development, and run all tests.
test:
    python3 -m venv .venv && .venv/bin/pip install -q -e '.[test,codex]' && .venv/bin/python -m pytest

# Style, types, and the floors of docs/architecture.md.
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# Repair what style can repair by itself.
fix:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# Many more random worlds and edits than each test run has.
worlds:
    SYMPHONY_WORLDS=5000 SYMPHONY_EDITS=40000 .venv/bin/python -m pytest -n2 --timeout=0 tests/crash/test_random_worlds.py tests/linear/test_no_update_is_lost.py

# Measure: ratios against a baseline of the same run.
bench:
    .venv/bin/python -m bench

# Make the page of all keys anew, and hold every page to the code.
docs:
    .venv/bin/python -m symphony_cli.adapters.config_docs > docs/configuration.md
    .venv/bin/python -m pytest -q tests/test_docs.py
