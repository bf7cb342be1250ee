"""Numbered questions that each want one integer: how they are asked, and how a reply is read.

A reply is read only as far as its lines can be laid beside the questions. What fits several readings is no
answer: read one line off, a strong model would look like a weak one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

_INSTRUCTION = {
    "en": "Answer every question with one number only, one answer a line, in order. Do not explain.",
    "zh": "每题只回答一个数字，每行一个答案，按顺序，不要解释。",
}

_THINKING_BEGINS = re.compile(r"[<\[◁]\s*think(?:ing)?\s*[>\]▷]", re.IGNORECASE)
_THINKING_ENDS = re.compile(r"[<\[◁]\s*/\s*think(?:ing)?\s*[>\]▷]", re.IGNORECASE)

_HALF_WIDTH: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ",
    0x2212: "-",
    ord("，"): ", ",
    ord("|"): "\t",
}
_MARKUP = re.compile(r"\\(?:boxed|textbf|text|mathbf|mathrm)|\\[,;! ()\[\]]|[*`${}]|__")
_BULLET = re.compile(r"(?:[>#•·]\s*|[-+–—]\s+)+")

_GROUP_MARKS = ",'’_\u00a0\u2009\u202f"
_RUN = re.compile(rf"(?<![\w.)])-?\d+(?:[./:^{_GROUP_MARKS}]\d+)*|\d+(?:[./:^{_GROUP_MARKS}]\d+)*")
_INTEGER = re.compile(rf"-?(?:\d+|\d{{1,3}}(?:([{_GROUP_MARKS}])\d{{3}})(?:\1\d{{3}})*)")
_SPACED = re.compile(r"(?<![\d.,/-])\d{1,3}(?: \d{3})+(?![ .,/-]?\d)")
_NOT_ITSELF = re.compile(
    r"\s*(?:hundred|thousand|million|billion|trillion|e[+-]?\d|[%‰×*^百千万亿])|\s*[-–—~至到]\s*\d", re.IGNORECASE
)
"""What makes of a number something else: a multiplier, a range, a power."""

_LABEL = re.compile(
    r"\(?(?:question|answer|no\.?|q|a|问题|题目|答案|第|题|答)?\s*#?(?P<number>\d{1,3})\s*[题问]?"
    r"(?P<mark>\s*[.):\]】、]|\t|\s[-–—](?=\s))(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = r"(?:(?:answer|答案|答)\s*:\s*)?(?:约|大约|公元前?|前|about|approximately|around|c\.|ca\.|ad|≈|~)?\s*"
_SUFFIX = r"\s*[^\W\d]{0,12}\.?"
_ALONE = re.compile(rf"{_PREFIX}(?P<run>{_RUN.pattern}){_SUFFIX}[\s.。,;、]*", re.IGNORECASE)
_FIRST = re.compile(
    rf"{_PREFIX}(?P<run>{_RUN.pattern}){_SUFFIX}(?:\s*[(\[]|\s*[,;。](?!\s*\d)|\s+[-–—]\s|(?<=年)(?=\d))", re.IGNORECASE
)
_BLANK = re.compile(r"(?:n/?a|none|unknown|i don't know|\?+|-|不知道|未知|不详|不确定)\s*[.。]?", re.IGNORECASE)
_TURN = re.compile(r"[?:=→]|->")
_ANSWER_WORD = re.compile(r"\banswer\b|答案", re.IGNORECASE)
_MOST_DIGITS = 60
_LONGEST_LINE = 2_000  # characters; longer is prose, and the patterns stay fast


class Item(Protocol):
    """What facts and problems have in common."""

    @property
    def en(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def answer(self) -> int: ...


class _Line(NamedTuple):
    """An answer line: its number, if it has one, and its value, if it can be read.

    ``open``: the value may follow on the next line. ``bare``: no more than ``12.``, which may be a number or a
    value. ``tight``: the number touches the value; ``3.14`` may be no. 3, may be pi.
    """

    label: int | None
    value: int | None
    open: bool = False
    bare: bool = False
    tight: bool = False


def ask(items: Sequence[Item], lang: str, nonce: str) -> str:
    """The one user message that asks all ``items``, in ``lang`` (``en`` or ``zh``).

    ``nonce`` stands on the first line, so that no cache can answer for the model.
    """
    lines = [f"{number}. {item.zh if lang == 'zh' else item.en}" for number, item in enumerate(items, 1)]
    return "\n".join([nonce, _INSTRUCTION["zh" if lang == "zh" else "en"], *lines])


def read_numbers(text: str, count: int) -> tuple[int | None, ...]:
    """The ``count`` answers in a model's reply, thinking left aside; ``None`` where none can be read.

    All are ``None`` where the lines do not line up with the questions. Never raises, whatever the text.
    """
    final = _after_thinking(text)
    lines = [tidy for line in final.splitlines() if len(line) <= _LONGEST_LINE and (tidy := _tidy(line))]
    read = list(_answer_lines(lines))
    if not read and lines:
        if count == 1:
            return (_sole_number(lines),)
        listed = _listed(lines, count)
        if listed:
            return listed
    return _lay_beside(read, count)


def _after_thinking(text: str) -> str:
    ends = [match.end() for match in _THINKING_ENDS.finditer(text)]
    rest = text[ends[-1] :] if ends else text
    begins = _THINKING_BEGINS.search(rest)
    return rest[: begins.start()] if begins else rest


def _tidy(line: str) -> str:
    line = _MARKUP.sub("", line.translate(_HALF_WIDTH)).strip()
    return _BULLET.sub("", line, count=1).strip() if _BULLET.match(line) else line


def _answer_lines(lines: Sequence[str]) -> Iterator[_Line]:
    """The lines that answer, in order; prose between them is passed over."""
    held: _Line | None = None
    for line in (part for whole in lines for part in _one_answer_each(whole)):
        found = _read_line(line)
        if found is None:
            continue
        if held and found.label is None:
            found = _Line(held.label, found.value)
        elif held:
            yield held
        held = found if found.open else None
        if not held:
            yield found
    if held:
        yield held


def _one_answer_each(line: str) -> Iterator[str]:
    """``1. 1912 2. 1945`` as two lines: split where the next number in order follows."""
    while match := _LABEL.match(line):
        number = int(match["number"]) + 1
        following = re.search(rf"(?<=[\s,;]){number}\s*[.):、]\s*(?=\d)", line[match.start("rest") :])
        if not following or not _RUN.search(match["rest"], 0, following.start()):
            break
        split = match.start("rest") + following.start()
        yield line[:split]
        line = line[split:]
    yield line


def _read_line(line: str) -> _Line | None:
    """What a line answers; ``None``: it is prose."""
    if match := _LABEL.fullmatch(line):
        rest = match["rest"].strip()
        tight = match["mark"] == "." and match["rest"][:1].isdecimal()
        follows = not rest or rest.endswith(("?", ":"))
        return _Line(int(match["number"]), None if follows else _value(rest), follows, not rest, tight)
    if match := _ALONE.fullmatch(line):
        return _Line(None, _integer(line, match))
    return _Line(None, None) if _BLANK.fullmatch(line) else None


def _value(text: str) -> int | None:
    """The one number that ``text`` gives as its answer."""
    text = _SPACED.sub(lambda match: match[0].replace(" ", ""), text)
    values = {_integer(text, match) for match in _RUN.finditer(text)}
    if len(values) == 1:
        return values.pop()
    if (equation := text.rpartition("="))[1] and (match := _ALONE.fullmatch(equation[2].strip())):
        return _integer(equation[2].strip(), match)
    if match := _FIRST.match(text):
        return _integer(text, match)
    tail = _TURN.split(text)[-1].strip()
    return _integer(tail, match) if (match := _ALONE.fullmatch(tail)) else None


def _integer(text: str, match: re.Match[str]) -> int | None:
    """The integer of a run of digits in ``text``; ``None``: a decimal, a range, a power, no sane number."""
    start, end = match.span("run") if "run" in match.re.groupindex else match.span()
    run = text[start:end]
    if len(run) > _MOST_DIGITS or not _INTEGER.fullmatch(run) or _NOT_ITSELF.match(text, end):
        return None
    return int(re.sub(rf"[{_GROUP_MARKS}]", "", run))


def _sole_number(lines: Sequence[str]) -> int | None:
    """The answer to a single question, given in prose: the only number, or the only one said to be the answer."""
    said = [line for line in lines if _ANSWER_WORD.search(line)][-1:]
    for part in ("\n".join(lines), *said):
        values = {_integer(part, match) for match in _RUN.finditer(part)}
        if len(values) == 1:
            return values.pop()
    return None


def _listed(lines: Sequence[str], count: int) -> tuple[int | None, ...] | None:
    """All answers on one line, ``1912, 1945, 79``, where that can be nothing else."""
    for line in lines:
        pieces = re.split(r"\s*[,;、]\s+|\s*[;、]\s*|\s+", line.strip(" .。"))
        matches = [_ALONE.fullmatch(piece) for piece in pieces]
        if len(pieces) == count and all(matches) and not _SPACED.search(line):
            return tuple(_integer(piece, match) for piece, match in zip(pieces, matches, strict=True) if match)
    return None


def _lay_beside(lines: Sequence[_Line], count: int) -> tuple[int | None, ...]:
    """The answers in the questions' order, by number where lines are numbered, else by position."""
    nothing = (None,) * max(count, 0)
    if all(line.bare for line in lines) and [line.label for line in lines] != list(range(1, len(lines) + 1)):
        lines = [_Line(None, line.label) for line in lines]
    if len(lines) == 1 or any(line.label is None for line in lines):
        lines = [_Line(None, None) if line.tight else line for line in lines]
    if any(line.label is None for line in lines):
        in_place = all(line.label in (None, place) for place, line in enumerate(lines, 1))
        return tuple(line.value for line in lines) if in_place and len(lines) == count else nothing
    values: dict[int | None, set[int | None]] = {}
    for line in lines:
        values.setdefault(line.label, set()).add(line.value)
    if 0 in values:
        return nothing
    found = (values.get(number, set()) for number in range(1, count + 1))
    return tuple(next(iter(value)) if len(value) == 1 else None for value in found)
