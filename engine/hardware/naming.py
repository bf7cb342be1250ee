"""The names of devices, brought to one spelling, and where a text has one.

A text is cut into runs of letters, numbers and single other signs; a name is a sequence of such tokens. Looking
names up in a table token by token takes time in proportion to the text, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.hardware.schema import Device, Machine

_TRADITIONAL = dict(zip("張兩臺塊騰驍龍顯雙樹輝達華為蘋", "张两台块腾骁龙显双树辉达华为苹", strict=True))
_SIGNS = {**dict.fromkeys("×✕✖⨯", "*"), **dict.fromkeys("‐‑‒–—−", "-"), "\u00a0": " ", "\u3000": " "}
_WIDE = {chr(0xFEE0 + code): chr(code).lower() for code in range(0x21, 0x7F)}
_CAPITALS = {chr(code): chr(code).lower() for code in range(0x41, 0x5B)}
_PLAIN = str.maketrans({**_CAPITALS, **_WIDE, **_SIGNS, **_TRADITIONAL})

_TOKEN = re.compile(r"(?<=\d)x(?=[a-z])|[a-z]+|\d+|[^\sa-z\d\-_]")
"""``8xH100`` is written without borders: an x behind a number stands alone."""

_SIZED = re.compile(r"-\d+gb$")
"""An id that ends in its memory is read as a name and the memory beside it, where there is such a name."""
_OPTIONAL = re.compile(r"\(([^()]*)\)")


def plain(text: str) -> str:
    """``text`` in small letters, narrow and with one sign for each purpose, as long as before."""
    return text.translate(_PLAIN)


class Token(NamedTuple):
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of ``plain`` text."""
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for: one of ``devices`` (ids, the usual one first), ``count`` of them."""

    devices: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Index:
    """Names by spelling, without separators; ``begun``: every beginning of one, cut where tokens are."""

    names: Mapping[str, Named]
    begun: frozenset[str]

    def at(self, text: str, at: Sequence[Token], first: int) -> list[tuple[Named, int]]:
        """The names that begin with token ``first``, the longest first, each with the number of the token behind."""
        key, found = "", []
        for number in range(first, len(at)):
            token = at[number]
            if key and (token.start - at[number - 1].end > 2 or "\n" in text[at[number - 1].end : token.start]):
                break
            key += token.text
            if key not in self.begun:
                if key.endswith("s") and (named := self.names.get(key[:-1])):
                    found.append((named, number + 1))
                break
            if named := self.names.get(key):
                found.append((named, number + 1))
        return found[::-1]


def build_index(devices: Mapping[str, Device], machines: Sequence[Machine]) -> Index:
    """All names of the catalog. A name that several devices or machines share stands for all of them."""
    names: dict[str, Named] = {}
    begun: set[str] = set()

    def add(name: str, device: str, count: int) -> None:
        for spelling in _spellings(plain(name)):
            parts = [token.text for token in tokens(spelling)]
            key = "".join(parts)
            known = names.get(key, Named((), count))
            if device not in known.devices and known.count == count:
                names[key] = Named((*known.devices, device), count)
                for cut in (parts, [token.text for token in tokens(key)]):
                    begun.update("".join(cut[:size]) for size in range(1, len(cut) + 1))

    for device in devices.values():
        for name in device.names:
            add(name, device.id, 1)
        if _key(_SIZED.sub("", device.id)) not in names:
            add(device.id, device.id, 1)
    for machine in machines:
        for name in machine.names:
            for device_id in machine.devices:
                add(name, device_id, machine.count)
    return Index(names, frozenset(begun))


def _key(name: str) -> str:
    return "".join(token.text for token in tokens(plain(name)))


def _spellings(name: str) -> Iterator[str]:
    """``name`` with and without each of its words in parentheses."""
    optional = _OPTIONAL.search(name)
    if optional is None:
        yield name
        return
    before, behind = name[: optional.start()], name[optional.end() :]
    yield from _spellings(f"{before}{optional[1]}{behind}")
    yield from _spellings(f"{before}{behind}")
