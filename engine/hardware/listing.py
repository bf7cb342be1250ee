"""What `nvidia-smi`, `npu-smi`, `rocm-smi` and `lspci` print, pasted into a question: a row is a device. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"([a-z0-9][^\n|,(\[\]]{1,60}?)"
_LINES = re.compile(
    rf"\bgpu ?[0-9]{{1,3}}: {_NAME} ?\(uuid[^\n)]{{0,80}}\)"
    rf"|^[ \t>`]{{0,8}}(?:[0-9]{{1,3}}, ?)?(?=(?:nvidia|tesla|amd|quadro)\b){_NAME}, ?[0-9]{{3,7}} ?mib[^\n]{{0,80}}$"
    rf"|\bgpu\[[0-9]{{1,3}}\]\s{{0,4}}:\s{{0,4}}card (?:series|model):\s{{1,8}}{_NAME}\s{{0,20}}$"
    rf"|\b[0-9a-f]{{2}}:[0-9a-f]{{2}}\.[0-9] (?:3d|vga)[^\n\[]{{0,80}}\[{_NAME}\][^\n]{{0,40}}$",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_CELLS = re.compile(
    rf"\|\s{{0,4}}[0-9]{{1,3}}\s{{1,8}}{_NAME}(?:\s{{1,40}}(?:on|off|wddm|tcc)\b[^\n|]{{0,20}}\||\s{{0,40}}\|\s?(?:ok|warning|alarm|critical)\b[^\n|]{{0,20}}\|)"
    rf"|\|\s{{0,4}}[0-9]{{1,3}}(?:\s{{1,8}}|\s{{0,4}}\|\s{{0,4}})(?=(?:nvidia|tesla|geforce|quadro|amd|ascend)\b){_NAME}\s{{0,40}}\|",
    re.IGNORECASE | re.ASCII,
)
"""A row of a table, whether its lines were kept or run together."""
_BEHIND = 400
"""Characters behind the last row in which its table ends."""


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
    lines, cells = list(_LINES.finditer(text)), list(_CELLS.finditer(text))
    if not lines and not cells:
        return Listed(text)
    signs = list(text)
    for start, end in [match.span() for match in lines] + _table(text, cells):
        signs[start:end] = [sign if sign == "\n" else " " for sign in text[start:end]]
    for match in (*lines, *cells):
        name = match.lastindex or 0
        signs[match.start(name) : match.end(name)] = match[name]
    return Listed("".join(signs), tuple(sorted(match.span() for match in (*lines, *cells))))


def _table(text: str, cells: list[re.Match[str]]) -> list[tuple[int, int]]:
    """Where the table with these rows begins and ends; its head, which counts nothing, is left out."""
    if not cells:
        return []
    first, last = cells[0].start(), cells[-1].end()
    return [(first, max(last, text.rfind("|", last, last + _BEHIND) + 1))]
