"""Hands that touch one foreign power each: files, git, YAML, processes, trackers."""
