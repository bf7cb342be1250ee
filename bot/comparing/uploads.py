"""Files with tasks that people upload in Slack: what they may be, and getting one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from engine.errors import UsageError

FILETYPES = ("jsonl", "json", "csv", "tsv", "yaml", "yml", "py")
"""How the names of files end that may be chosen."""
ENDINGS = tuple(f".{kind}" for kind in FILETYPES)
LARGEST = 5_000_000
_CHUNK, _SECONDS = 65_536, 30.0

Fetch = Callable[[str, str], bytes]
"""An uploaded file's bytes, by its id and name."""


def no_uploads(file_id: str, name: str) -> bytes:
    """Where nothing can be uploaded.

    Raises:
        UsageError: always.
    """
    raise UsageError("task_file_gone", name=name, problem="file_not_found")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as Slack tells of it."""

    id: str
    name: str
    size: int


def upload_of(told: Mapping[str, Any]) -> Upload:
    """What a form says of a file that was chosen; its name is made harmless.

    Raises:
        UsageError: it is too large, or none of what a task may be.
    """
    name = re.sub(r"[^\w.\- ]", "_", str(told.get("name") or told.get("title") or "task"))[-80:]
    found = Upload(str(told.get("id") or ""), name, int(told.get("size") or 0))
    if not name.lower().endswith(ENDINGS):
        raise UsageError("task_file_type", name=name)
    if found.size > LARGEST:
        raise UsageError("task_file_size", name=name, most=most_text())
    return found


def most_text() -> str:
    """The largest file that is taken."""
    return f"{LARGEST // 1_000_000} MB"


def download(client: Any, file_id: str, name: str, api_url: str) -> bytes:
    """An uploaded file's bytes, by the bot's token, which is sent to Slack alone.

    Args:
        client: a ``slack_sdk.WebClient``.
        api_url: where Slack's API is; files of the same host are Slack's too.

    Raises:
        UsageError: it is gone, too large, or not where Slack keeps files.
    """
    import httpx
    from slack_sdk.errors import SlackApiError

    try:
        told = client.files_info(file=file_id)["file"]
    except SlackApiError as error:
        raise UsageError("task_file_gone", name=name, problem=str(error.response.get("error"))) from error
    url = str(told.get("url_private_download") or told.get("url_private") or "")
    if not _is_slacks(url, api_url):
        raise UsageError("task_file_gone", name=name, problem="url_private")
    held = bytearray()
    try:
        # A redirect would lead to a page for people to log in, or elsewhere.
        with httpx.stream("GET", url, headers={"authorization": f"Bearer {client.token}"}, timeout=_SECONDS) as answer:
            if answer.status_code != 200:
                raise UsageError("task_file_gone", name=name, problem=f"HTTP {answer.status_code}")
            for chunk in answer.iter_bytes(_CHUNK):
                held += chunk
                if len(held) > LARGEST:
                    raise UsageError("task_file_size", name=name, most=most_text())
    except httpx.HTTPError as error:
        raise UsageError("task_file_gone", name=name, problem=type(error).__name__) from error
    return bytes(held)


def _is_slacks(url: str, api_url: str) -> bool:
    parts, ours = urlsplit(url), urlsplit(api_url)
    if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
