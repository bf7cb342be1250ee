"""What the app's manifest asks of a workspace."""

from __future__ import annotations

from importlib.resources import files


def manifest_scopes() -> tuple[str, ...]:
    """The bot token's scopes."""
    import yaml

    manifest = yaml.safe_load(files("bot").joinpath("manifest.yaml").read_text(encoding="utf-8"))
    return tuple(manifest["oauth_config"]["scopes"]["bot"])
