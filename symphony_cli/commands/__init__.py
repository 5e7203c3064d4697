"""What a person can ask for: one file per command, each returning one frozen result."""
