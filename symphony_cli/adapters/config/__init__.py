"""What may stand in the front matter of WORKFLOW.md: one model per section."""
