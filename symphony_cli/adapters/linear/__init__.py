"""Linear: its API, its allowance, and what we read and write there."""
