"""`r1 doctor`: is all there that the bot needs, and if not, what exactly is to be done."""

from __future__ import annotations

import time
from concurrent.futures import Future

from bot.doctor.apart import apart
from bot.doctor.configuration import read_settings
from bot.doctor.finding import SIGNS, Finding
from bot.doctor.machine import device_finding, file_findings, font_finding, package_findings
from bot.doctor.reach import address_finding, model_finding, zone_finding
from bot.doctor.several import several_findings
from bot.doctor.slack import slack_findings
from bot.doctor.storage import disk_finding, storage_findings

__all__ = ["SIGNS", "Finding", "examine"]

_SECONDS, _SLOW, _ENDPOINTS = 2.6, 30.0, 60.0
"""How long is waited for the database and Slack; for devices, where torch or a cluster is asked, and for fonts, which
matplotlib lists once; for endpoints, where they are asked."""


def examine(*, endpoints: bool = False) -> tuple[Finding, ...]:
    """Every check, in reading order. What may take time runs side by side; nothing is changed.

    Args:
        endpoints: send a request to each registered endpoint.
    """
    started = time.monotonic()
    settings, found = read_settings()
    if settings is None:
        return (*found, *package_findings(None), Finding("rest", "idle", "not_looked"))
    storage = apart(lambda: storage_findings(settings, ask_endpoints=endpoints))
    slack = apart(lambda: slack_findings(settings))
    several = apart(lambda: several_findings(settings))
    address, model = apart(lambda: [address_finding(settings)]), apart(lambda: [model_finding(settings)])
    devices = apart(lambda: [device_finding(settings)])
    fonts = apart(lambda: [font_finding()])
    files, packages = list(file_findings(settings)), list(package_findings(settings))
    soon = started + _SECONDS
    return (
        *found,
        *_awaited("database", storage, started + _ENDPOINTS if endpoints else soon),
        disk_finding(settings),
        *_awaited("login", slack, soon),
        *_awaited("oauth", several, soon),
        *_awaited("public_url", address, soon),
        *_awaited("llm", model, soon),
        zone_finding(),
        *_awaited("devices", devices, started + _SLOW),
        *packages,
        *_awaited("fonts", fonts, started + _SLOW),
        *files,
    )


def _awaited(check: str, work: Future[list[Finding]], until: float) -> list[Finding]:
    try:
        return work.result(max(0.05, until - time.monotonic()))
    except TimeoutError:
        return [Finding(check, "wrong", "late")]
    except Exception as error:  # what no check foresaw is a finding too, and hides no other
        return [Finding(check, "wrong", "check_failed", {"problem": f"{type(error).__name__}: {error}"[:160]})]
