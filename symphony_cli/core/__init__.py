"""The thinking room: pure functions and frozen values; no disk, net, clock, process or log."""
