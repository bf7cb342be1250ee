"""The Slack app: wiring, listeners and replies; no decisions."""
