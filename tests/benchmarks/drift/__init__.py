"""Simulated endpoints that stay what they are or are swapped, and the published methods that look for it."""
