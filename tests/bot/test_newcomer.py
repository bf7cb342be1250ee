"""The README's five steps, followed by somebody with a fresh workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.demo import running_bot
from bot.doctor import examine
from bot.local_slack import LocalSlack


def r1(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bot.cli", *given], capture_output=True, text=True)


def next_steps() -> str:
    """What the doctor says is to be done about Slack."""
    return " ".join(finding.found("en") + finding.remedy("en") for finding in examine() if finding.check == "tokens")


def test_five_steps_lead_from_nothing_to_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("R1_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with LocalSlack() as slack:
        monkeypatch.setenv("R1_SLACK_API_URL", slack.api_url)  # instead of slack.com; all else is as the README has it
        assert "r1 manifest --link" in next_steps()
        link = urlsplit(r1("manifest", "--link").stdout.strip())
        made = json.loads(parse_qs(link.query)["manifest_json"][0])
        assert link.netloc == "api.slack.com" and made["settings"]["socket_mode_enabled"]
        slack.workspace.scopes = tuple(made["oauth_config"]["scopes"]["bot"])  # Slack makes the app, and installs it
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.workspace.bot_token)
        assert "SLACK_APP_TOKEN" in next_steps()
        monkeypatch.setenv("SLACK_APP_TOKEN", slack.workspace.app_token)
        ready = r1("doctor")
        assert ready.returncode == 0 and "✗" not in ready.stdout, ready.stdout
        with running_bot(slack, tmp_path, socket_mode=True):
            slack.slash("help")
            slack.wait_for(lambda: [said for said in slack.answers() if said.blocks and not said.ephemeral_to])
        assert slack.workspace.violations == []
