"""What `nvidia-smi`, `npu-smi`, `rocm-smi` and `lspci` print, pasted into a question: a row is a device. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"([a-z0-9][^\n|,(\[\]]{1,60}?)"
_ROWS = re.compile(
    r"^(?:"
    rf"[ \t>`]{{0,8}}gpu ?[0-9]{{1,3}}: {_NAME} ?\(uuid[^\n]{{0,80}}"
    rf"|[ \t>`]{{0,8}}\|[ \t]{{0,4}}[0-9]{{1,3}}[ \t]{{1,8}}{_NAME}(?:[ \t]{{2,}}(?:on|off|wddm|tcc)\b[^\n]{{0,120}}|[ \t]{{0,40}}\| ?(?:ok|warning|alarm|critical)\b[^\n]{{0,120}})"
    rf"|[ \t>`]{{0,8}}(?:[0-9]{{1,3}}, ?)?(?=(?:nvidia|tesla|amd|quadro)\b){_NAME}, ?[0-9]{{3,7}} ?mib[^\n]{{0,80}}"
    rf"|[ \t>`]{{0,8}}gpu\[[0-9]{{1,3}}\][ \t]{{0,4}}:[ \t]{{0,4}}card (?:series|model):[ \t]{{1,8}}{_NAME}[ \t]{{0,20}}"
    rf"|[ \t>`]{{0,8}}[0-9a-f]{{2}}:[0-9a-f]{{2}}\.[0-9] (?:3d|vga)[^\n\[]{{0,80}}\[{_NAME}\][^\n]{{0,40}}"
    r")$",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_FRAME = re.compile(r"^[ \t>`]{0,8}(?:\||\+[-=+])[^\n]{0,200}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listed:
    """``text`` as long as before, with nothing but the names left of ``rows`` and of the table around them."""

    text: str
    rows: tuple[tuple[int, int], ...] = ()

    def holds(self, start: int) -> bool:
        """Whether a row is around ``start``."""
        return any(first <= start < last for first, last in self.rows)


def listed(text: str) -> Listed:
    """The rows of devices in ``text``; as it is where it has none."""
    rows = list(_ROWS.finditer(text))
    if not rows:
        return Listed(text)
    signs = list(text)
    for match in _FRAME.finditer(text):
        signs[match.start() : match.end()] = " " * (match.end() - match.start())
    for match in rows:
        signs[match.start() : match.end()] = " " * (match.end() - match.start())
        name = match.lastindex or 0
        signs[match.start(name) : match.end(name)] = match[name]
    return Listed("".join(signs), tuple(match.span() for match in rows))
