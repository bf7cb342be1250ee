"""Text that must be hardware and nothing else, as an option's value is: "2x4090", "8×H200 + 1×A100"."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from engine.constraints.record import Installed
from engine.errors import UsageError
from engine.hardware.counting import number_of
from engine.hardware.finding import Found, find_every
from engine.hardware.loading import Catalog, load_catalog
from engine.hardware.naming import plain

LIMIT = 400
"""Characters; a mixture of a dozen devices takes half of them."""
EXAMPLES = "2x RTX 4090, 8xH200, Mac Studio M3 Ultra 512GB"

_FILLING = re.compile(
    r"(?<![a-z\d])(?:and|plus|gpus?|cards?|graphics|accelerators?|servers?|nodes?|machines?|workstations?|phones?|each|"
    r"with|memory|v?ram|unified|tensor|core|hbm\d?e?|g?ddr\d\w?|the|our|my|total)(?![a-z\d])"
    r"|显卡|加速卡|服务器|工作站|手机|显存|内存|统一|机器|节点|每台|和|与|及|加|卡|台|[\s+,;&、。.()*-]"
)
_COUNT = re.compile(r"^\s*(?:-?\d+(?:\.\d+)?|[零一二两三四五六七八九十]{1,3})\s*[x*张块片卡台个]?\s*")
_BY_ID = re.compile(r"\s{0,4}(?:(?P<count>[0-9]{1,8})\s?[x*]\s?)?(?P<id>[a-z0-9][a-z0-9-]{1,60})\s{0,4}")
_MEMORY = re.compile(r"\d+(?:\.\d)?\s?[gt]i?b?(?![a-z\d])")


def parse_hardware(text: str, hardware_files: tuple[Path, ...] = ()) -> tuple[Installed, ...]:
    """The hardware that ``text`` is, devices of one kind added up.

    Raises:
        UsageError: it names none, or something else besides, or a number or memory that cannot be.
        CatalogError: a hardware file is invalid.
    """
    catalog = load_catalog(hardware_files)
    if len(text) > LIMIT:
        raise UsageError("hardware_too_long", limit=LIMIT, examples=EXAMPLES)
    if by_id := _by_id(plain(text), catalog):
        return by_id
    mentions = find_every(text, catalog)
    rest = _rest(plain(text), mentions)
    for mention in mentions:
        if mention.misfit:
            _refuse_memory(mention.installed.device, mention.misfit, catalog)
    if not mentions or rest:
        _refuse(rest or text, catalog)
    sums: dict[str, int] = {}
    for mention in mentions:
        sums[mention.installed.device] = sums.get(mention.installed.device, 0) + mention.installed.count
    return tuple(Installed(device, count) for device, count in sums.items())


def _by_id(text: str, catalog: Catalog) -> tuple[Installed, ...]:
    """Devices by nothing but their ids, as this program writes them: what an id says of memory is each one's."""
    sums: dict[str, int] = {}
    for part in re.split(r"[+,]", text):
        match = _BY_ID.fullmatch(part)
        if match is None or match["id"] not in catalog.devices:
            return ()
        sums[match["id"]] = sums.get(match["id"], 0) + number_of(match["count"] or "1")
    return tuple(Installed(device, count) for device, count in sums.items())


def _rest(text: str, mentions: tuple[Found, ...]) -> str:
    """What is left of ``text`` without the mentions and words that change nothing."""
    parts, at = [], 0
    for mention in mentions:
        parts.append(text[at : mention.start])
        at = mention.end
    left = " ".join([*parts, text[at:]])
    return re.sub(r"\s+", " ", left).strip() if _FILLING.sub("", left) else ""


def _refuse_memory(device: str, written: str, catalog: Catalog) -> None:
    record = catalog.devices[device]
    shared = {other.memory for other in catalog.devices.values() if set(other.names) & set(record.names)}
    known = ", ".join(f"{size:g} GB" for size in sorted(shared))
    raise UsageError("hardware_memory", device=record.title, value=written, known=known)


def _refuse(unknown: str, catalog: Catalog) -> None:
    counted = _COUNT.match(plain(unknown))
    if counted and (digits := re.match(r"\s*-?\d+(?:\.\d+)?", counted[0])):
        number_of(digits[0])
    raise UsageError("hardware_unknown", value=_short(unknown.strip()), suggestion=_nearest(unknown, catalog))


def _nearest(unknown: str, catalog: Catalog) -> str:
    """A device whose name is spelled nearly so, else examples of what may be written."""
    key = re.sub(r"[\s_-]", "", _COUNT.sub("", plain(unknown)))
    near = difflib.get_close_matches(key, list(catalog.index.names), n=1, cutoff=0.7) if 2 <= len(key) <= 40 else []
    return catalog.devices[catalog.index.names[near[0]].devices[0]].title if near else EXAMPLES


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
