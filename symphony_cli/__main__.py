"""`python -m symphony_cli` is `symphony`."""

from symphony_cli.cli import main

main()
