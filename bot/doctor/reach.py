"""What others reach, and what the bot reaches: the public address, a language model; the time zones of schedules."""

from __future__ import annotations

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.doctor.finding import Finding
from bot.report.links import links_are_made
from bot.settings import Settings

_SECONDS = 2.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAMED = 5


def address_finding(settings: Settings) -> Finding:
    """Whether the address that Slack and browsers are given leads to this bot."""
    url, about = settings.public_url, {"url": settings.public_url, "port": settings.port}
    if not url:
        return Finding("public_url", "idle", "public_url_none", about)
    if not url.startswith("https://") and urlsplit(url).hostname not in _LOOPBACK:
        return Finding("public_url", "wrong", "public_url_plain", about)
    import httpx

    try:
        answer = httpx.get(f"{url}/healthz", timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Finding("public_url", "wrong", "public_url_silent", {**about, "problem": _told(error)})
    if answer.status_code != 200 or answer.text != "ok":
        return Finding("public_url", "wrong", "public_url_other", {**about, "problem": answer.status_code})
    return Finding(
        "public_url", "ok", "public_url_answers" if links_are_made(settings) else "public_url_links_off", about
    )


def model_finding(settings: Settings) -> Finding:
    """Whether the language model that may help to understand is there. It is only listed, never asked."""
    url, key = settings.llm_url.rstrip("/"), settings.llm_key.get_secret_value()
    if not url:
        return Finding("llm", "idle", "llm_none")
    import httpx

    about = {"url": url, "model": settings.llm_model}
    try:
        answer = httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=_SECONDS)
        listed = answer.json().get("data") if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Finding("llm", "wrong", "llm_silent", {**about, "problem": _told(error)})
    except (ValueError, AttributeError):  # it answers, in a manner of its own
        listed = None
    if answer.status_code in (401, 403):
        return Finding("llm", "wrong", "llm_refused", {**about, "problem": answer.status_code})
    if answer.status_code >= 500:
        return Finding("llm", "wrong", "llm_silent", {**about, "problem": answer.status_code})
    names = [str(model.get("id")) for model in listed if isinstance(model, dict)] if isinstance(listed, list) else []
    if names and settings.llm_model not in names:
        return Finding("llm", "wrong", "llm_model_unknown", {**about, "names": ", ".join(names[:_NAMED])})
    return Finding("llm", "ok", "llm_answers", about)


def zone_finding() -> Finding:
    """Whether schedules can be in people's own time."""
    try:
        ZoneInfo("Asia/Shanghai")
    except (ZoneInfoNotFoundError, OSError):
        return Finding("timezones", "wrong", "timezones_none")
    return Finding("timezones", "ok", "timezones", {"count": len(available_timezones())})


def _told(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
