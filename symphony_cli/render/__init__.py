"""Renderings of what commands return: text for people, JSON and CSV for programs."""
