"""What kind of thing a spec names. Pure but for looking whether a path exists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import TargetError, UsageError
from engine.targets.endpoint import Endpoint, parse_endpoint

_HUB_ID = re.compile(
    r"^(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
    r"(?:@(?P<revision>[\w][\w./-]{0,127}))?(?::(?P<quant>[\w.-]{1,64}))?$"
)
_HUB_FILE = re.compile(r"^(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})/(?P<file>[\w./-]{1,200}\.(?:gguf|safetensors))$")
_HUB_URL = re.compile(
    r"^https?://(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/(?P<repo>[\w.-]+/[\w.-]+)"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[\w.-]+)(?:/(?P<file>[\w./-]+))?)?/?(?:\?.*)?$"
)


@dataclass(frozen=True, slots=True)
class HubRef:
    """A repository on the Hub; ``wanted`` chooses among several GGUF sets in it."""

    repo: str
    revision: str | None = None
    wanted: str = ""


def parse_spec(spec: str) -> Path | HubRef | Endpoint:
    """A local path where one exists, an endpoint's URL, else a Hub reference.

    Raises:
        UsageError: a URL that cannot be an endpoint's, or nothing that could be a model.
        TargetError: it looks like a path, and nothing is there.
    """
    text = spec.strip()
    if not text or len(text) > 1024 or "\x00" in text:
        raise UsageError("target_missing")
    path = Path(text).expanduser()
    try:
        if path.exists() or path.is_symlink():
            return path
    except OSError as error:
        raise TargetError("unreadable", name=text[:120], problem=error.strerror or "too long") from error
    bare = text.removeprefix("hf://").removeprefix("models/")
    if match := _HUB_URL.match(bare):
        return HubRef(match["repo"], match["revision"], match["file"] or "")
    if re.match(r"^[a-z]+://", bare):
        return parse_endpoint(text)
    if match := _HUB_FILE.match(bare):
        return HubRef(match["repo"], None, match["file"])
    looks_local = text.startswith(("/", "./", "../", "~")) or text.count("/") > 1
    if (match := _HUB_ID.match(bare)) and not looks_local:
        return HubRef(match["repo"], match["revision"], match["quant"] or "")
    if looks_local or text.endswith((".gguf", ".safetensors", ".bin", ".pt")):
        raise TargetError("path_not_found", name=text[:200])
    raise UsageError("target_unclear", spec=text[:120])
