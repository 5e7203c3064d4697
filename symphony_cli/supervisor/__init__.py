"""The second act of a run: it owns one `codex app-server` and speaks its protocol."""
