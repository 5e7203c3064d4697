"""Short programs for what a tick must not wait for and a supervisor must not import."""
