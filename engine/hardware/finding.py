"""Hardware in what people write, English or Chinese: "2×4090", "8 卡 H20", "two nodes of 8xH100"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.constraints.record import Installed
from engine.errors import UsageError
from engine.hardware.counting import Behind, Counted, count_before, count_behind
from engine.hardware.doubting import denied, doubtful, glued
from engine.hardware.listing import listed
from engine.hardware.loading import Catalog, load_catalog
from engine.hardware.naming import Named, Token, plain, tokens
from engine.hardware.schema import Device

_MOST_MENTIONS = 50
"""More are in no message that asks a question; the bound keeps hostile ones quick."""
_TOLERANCE = 0.08
"""192 GB is said of a B200, which its maker sells as 180 GB."""
_LONGEST = 100_000
"""Characters: as many as a question may bring with it."""

_MEMORY_BEHIND = re.compile(
    r"[\s_/(-]{0,3}(?:每[张卡块]\s?)?(\d{1,5}(?:\.\d)?)\s?(g|t)(?:i?b)?(?![a-z\d])(?:\s?(?:显存|vram|版|each))?\)?"
)
_MEMORY_OF_MACHINE = re.compile(
    r"(?:\s?(?:纯\s?)?(?:cpu\s?)?(?:phones?|servers?|machines?|服务器|手机))?[\s,(-]{0,2}(?:m[1-4][\s,]{1,2})?(?:with|and|has|w/|带|配备?|搭载|加|的|、|\+|(?:memory|ram|内存)\s?:)?[\s,(-]{0,2}(\d{1,5}(?:\.\d)?)\s?(g|t)(?:i?b)?(?![a-z\d])"
    r"(?:\s?(?:(?:of )?(?:unified |统一)?(?:memory|ram|ddr[45]|内存)))?\)?"
)
_MEMORY_BEFORE = re.compile(r"(?<![\d.a-z])(\d{1,5})\s?(g|t)(?:i?b)?\s?(?:显存|内存|vram)?(?:版|的)?[\s-]{0,2}$")
_TOTAL = re.compile(r"\s?(?:in )?(?:total|combined|altogether|overall|共|合计|总)")
_EACH = re.compile(r"\s?(?:each|apiece|per)\b")
_SERVER_BEHIND = re.compile(r"[\s-]{0,2}(?:(?:server|node|machine|box)(?P<many>e?s)?|服务器|节点|整机|机器)")
_MAC = re.compile(r"mac ?(?:book|studio|mini)")
_NUMBER = re.compile(r"[^a-z]{0,12}(?:an? |one |two |three )?")
_BETWEEN = re.compile(
    r"[\s,(-]{0,2}(?:(?:chip|processor|soc|cpu|芯片|处理器|型号|model(?: name)?)\s?:\s{0,8}(?:apple )?)?(?:\d\d[\s-]?(?:inch|英?寸)?)?[\s,(-]{0,2}(?:with|in a|的|带)?\s?(?:an? )?"
)
_NVLINKED = frozenset({"nvlink", "xgmi", "hccs"})


@dataclass(frozen=True, slots=True)
class Found:
    """A mention: ``text[start:end]`` with its number and memory.

    Attributes:
        assumed: the device or its number is the usual one, because the text left open which (its memory, or how
            many are in "an H100 server").
        counted: a number was written.
        misfit: the memory written beside it, where no such device has so much.
        listed: it is a row of what a program such as `nvidia-smi` printed, which has a row for each device.
    """

    start: int
    end: int
    installed: Installed
    assumed: bool = False
    counted: bool = False
    misfit: str = ""
    listed: bool = False


def find_hardware(text: str, hardware_files: tuple[Path, ...] = ()) -> tuple[Found, ...]:
    """Every device named in ``text``, in order, a device once: "we have 2×4090; is a 4090 enough?" names two. The rows
    of a listing are counted, and what they say wins.

    Raises:
        UsageError: a number of devices that cannot be, or more text than anybody asks with.
        CatalogError: a hardware file is invalid.
    """
    if len(text) > _LONGEST:
        raise UsageError("text_too_long", length=len(text), limit=_LONGEST)
    found = find_every(text, load_catalog(hardware_files))
    rows = Counter(mention.installed.device for mention in found if mention.listed)
    counted = {mention.installed.device for mention in found if mention.counted or mention.listed}
    kept: dict[tuple[str, int], Found] = {}
    for mention in found:
        device = mention.installed.device
        if device in rows:
            if mention.listed:
                installed = Installed(device, rows[device])
                kept.setdefault((device, -1), replace(mention, installed=installed, counted=True))
        elif mention.counted:
            kept[device, mention.start] = mention
        elif device not in counted:
            kept.setdefault((device, -1), mention)
    return tuple(kept.values())


def find_every(text: str, catalog: Catalog) -> tuple[Found, ...]:
    """Every mention in ``text``, a device as often as it is named. Raises ``UsageError`` as ``find_hardware``."""
    seen = listed(plain(text))
    text = seen.text
    found: list[Found] = []
    at, number, floor = tokens(text), 0, 0
    handled = 0
    while number < len(at) and handled < _MOST_MENTIONS:
        mention = None
        if at[number].text in catalog.index.begun:
            for named, behind in catalog.index.at(text, at, number):
                mention = _mention(text, at, number, behind, named, catalog, floor)
                if mention:
                    break
        if mention is None:
            number += 1
            continue
        handled += 1
        if found and _one_mac(text, found[-1], mention):
            found[-1] = _joined(text, found[-1], mention)
        elif not denied(text, mention.start, mention.end):
            found.append(replace(mention, listed=seen.holds(mention.start)))
        floor = mention.end
        while number < len(at) and at[number].start < mention.end:
            number += 1
    return tuple(found)


def _one_mac(text: str, first: Found, second: Found) -> bool:
    """Whether a chip and the Mac that it is in were named side by side: "MacBook Pro 16 M3 Max", "M2 Max MacBook"."""
    named = [bool(_MAC.match(text, _words(text, mention))) for mention in (first, second)]
    apple = all(mention.installed.device.startswith(("m1-", "m2-", "m3-", "m4-")) for mention in (first, second))
    alone = not second.counted or second.installed.count in (13, 14, 15, 16)  # inches of the screen
    return apple and any(named) and alone and bool(_BETWEEN.fullmatch(text, first.end, second.start))


def _joined(text: str, first: Found, second: Found) -> Found:
    chip = second if _MAC.match(text, _words(text, first)) else first
    installed = Installed(chip.installed.device, first.installed.count)
    return replace(chip, start=first.start, end=second.end, installed=installed, counted=first.counted)


def _words(text: str, mention: Found) -> int:
    """Where the name in a mention begins, behind its number."""
    match = _NUMBER.match(text, mention.start)
    return match.end() if match else mention.start


def _mention(
    text: str, at: Sequence[Token], first: int, behind: int, named: Named, catalog: Catalog, floor: int
) -> Found | None:
    """The mention by the name in tokens ``first`` to ``behind``, or ``None`` where it is none."""
    start, end = at[first].start, at[behind - 1].end
    if glued(text, start, end, after_device=floor > 0 and text[floor:start] in ("/", "-")):
        return None
    end += text[end : end + 1] == "s"
    memory = _memory_behind(text, end, named, catalog) or _memory_before(text, floor, start, named, catalog)
    if memory and memory.start >= end and (longer := _completed(at, first, behind, memory.end, catalog)):
        named, end = longer
    counted = count_before(text, floor, min(start, memory.start) if memory else start)
    if not counted.explicit and not memory and doubtful(text, start, end):
        return None
    end = max(end, memory.end) if memory else end
    later = count_behind(text, end)
    if later and counted.explicit and not counted.machines and not later.machines and named.count == 1:
        later = None
    count = counted.number * later.number if later else counted.number
    if later and later.cards and (later.total or named.count > 1):
        # "two HGX H20, 8 cards each" are two times 8; "16 cards in all" are 16.
        count = later.number if later.total else count
        named = replace(named, count=1)
    if later:
        end = later.end
        memory = memory or _memory_behind(text, end, named, catalog)
        end = max(end, memory.end) if memory else end
    device, fits = _choose(named, memory, count * named.count, text[end:], catalog.devices)
    whole, words = _whole_machine(catalog.devices[device], counted, later, named, text[end : end + 24])
    if memory and not fits and catalog.devices[device].kind == "accelerator" and end == memory.end > start:
        end = len(text[: memory.start].rstrip(" ,-_/("))
    elif memory and (each := _EACH.match(text, end)):
        end = each.end()
    else:
        end += words
    return Found(
        counted.start,
        end,
        Installed(device, count * named.count * whole),
        assumed=not fits or whole > 1,
        counted=counted.stated or later is not None or named.count > 1,
        misfit=memory.written if memory and not fits else "",
    )


@dataclass(frozen=True, slots=True)
class _Memory:
    gigabytes: float
    written: str
    start: int
    end: int


def _memory_behind(text: str, end: int, named: Named, catalog: Catalog) -> _Memory | None:
    of_machine = catalog.devices[named.devices[0]].kind in ("cpu", "unified", "phone")
    return _memory((_MEMORY_OF_MACHINE if of_machine else _MEMORY_BEHIND).match(text, end), 0)


def _memory_before(text: str, floor: int, start: int, named: Named, catalog: Catalog) -> _Memory | None:
    """Memory before the name, as in "two 80GB A100", where a device of this name has so much."""
    floor = max(floor, start - 24)
    memory = _memory(_MEMORY_BEFORE.search(text[floor:start]), floor)
    sizes = [catalog.devices[device].memory for device in named.devices]
    return memory if memory and any(_alike(memory.gigabytes, size) for size in sizes) else None


def _memory(match: re.Match[str] | None, offset: int) -> _Memory | None:
    if match is None:
        return None
    gigabytes = float(match[1]) * (1024 if match[2] == "t" else 1)
    return _Memory(gigabytes, f"{match[1]} {match[2].upper()}B", offset + match.start(), offset + match.end())


def _completed(at: Sequence[Token], first: int, behind: int, end: int, catalog: Catalog) -> tuple[Named, int] | None:
    """The name that goes on behind the memory, as in "A100 80GB PCIe", and where it ends."""
    key = "".join(token.text for token in at[first:behind])
    later = [token for token in at[behind : behind + 6] if token.start >= end][:2]
    found = None
    for token in later:
        key += token.text
        if named := catalog.index.names.get(key):
            found = named, token.end
    return found


def _choose(
    named: Named, memory: _Memory | None, count: int, behind: str, devices: Mapping[str, Device]
) -> tuple[str, bool]:
    """The device of this name that has this memory, each or all ``count`` together, and whether one has."""
    if memory is None:
        return named.devices[0], sum(devices[device].official for device in named.devices) == 1
    shares = [memory.gigabytes, memory.gigabytes / named.count, memory.gigabytes / count]
    if _TOTAL.match(behind):
        shares.reverse()
    elif devices[named.devices[0]].kind == "cpu" and not _EACH.match(behind):
        shares = [memory.gigabytes / count]
    for share in shares:
        alike = [device for device in named.devices if _alike(share, devices[device].memory)]
        if alike:
            return min(alike, key=lambda device: abs(devices[device].memory - share)), True
    if devices[named.devices[0]].kind == "accelerator":
        return named.devices[0], False
    smaller = [device for device in named.devices if devices[device].memory <= shares[0]]
    if smaller:
        return max(smaller, key=lambda device: devices[device].memory), False
    return min(named.devices, key=lambda device: devices[device].memory), False


def _alike(written: float, size: float) -> bool:
    return abs(written - size) <= _TOLERANCE * size


def _whole_machine(
    device: Device, counted: Counted, later: Behind | None, named: Named, behind: str
) -> tuple[int, int]:
    """How many devices are meant by one, and the length of the words behind it that say so: ``per_node`` where
    machines full of them were counted, as in "two H100 servers", and nobody said how many are in each."""
    if named.count > 1 or device.kind != "accelerator" or device.link.kind not in _NVLINKED or device.per_node < 8:
        return 1, 0
    if later:
        return (device.per_node if later.machines and not counted.stated else 1), 0
    words = _SERVER_BEHIND.match(behind)
    if counted.machines or (words and not counted.explicit and (counted.number == 1 or words["many"])):
        return device.per_node, len(words[0]) if words else 0
    return 1, 0
