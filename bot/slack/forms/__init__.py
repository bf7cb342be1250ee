"""The forms that people fill in: how each looks, and the request that it becomes."""
