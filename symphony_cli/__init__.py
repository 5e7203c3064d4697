"""Symphony turns an issue tracker into a crew of coding agents, one short tick at a time."""

__version__ = "0.1.0"
