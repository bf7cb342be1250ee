"""Pictures of what was observed, drawn from stored observations."""
