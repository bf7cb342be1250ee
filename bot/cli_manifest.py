"""`r1 manifest`: the Slack app's manifest, ready to paste."""

from __future__ import annotations

import click

from bot.typed import printed


@click.command
@click.option("--url", metavar="https://HOST")
@click.option("--http", is_flag=True)
@click.option("--org", is_flag=True)
@click.option("--link", is_flag=True)
@printed("display_information", "features", "oauth_config", "settings")
def manifest(url: str | None, http: bool, org: bool, link: bool, as_json: bool) -> int:
    from bot.settings import load_settings
    from bot.slack.manifest import CREATE_URL, manifest_for
    from bot.terminal import print_json

    public = load_settings().public_url if url is None else url.rstrip("/")
    made = manifest_for(public, http=http, organisation=org)
    if link:
        import json
        from urllib.parse import quote

        click.echo(f"{CREATE_URL}&manifest_json={quote(json.dumps(made, ensure_ascii=False), safe='')}")
    elif as_json:
        print_json(made)
    else:
        import yaml

        click.echo(yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=120), nl=False)
    return 0
