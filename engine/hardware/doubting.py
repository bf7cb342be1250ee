"""When something spelled like a device is none: "4090 requests", "A100 sheets of paper", the M2 of "MiniMax-M2"."""

from __future__ import annotations

import re

_REACH = 40

_GLUED = re.compile(r"[\w@%]")
_MAY_FOLLOW = re.compile(
    r"[-_/](?:\d+\s?[gt]i?b?\b|sxm|pcie|hbm|nvl|gpu|x\d|server|node|cluster|based|class|card|hour|only|equipped|powered)"
)
_MAY_PRECEDE = re.compile(
    r"(?:nvidia|geforce|tesla|rtx|amd|radeon|instinct|intel|apple|huawei|atlas|ascend|qualcomm|gpu|gpus|cloud|"
    r"dgx|hgx|mac|studio|macbook|mini|jetson|(?<![a-z\d])\d{1,4}x?)[-_/]$"
)

_UNITS = re.compile(
    r"\s?(?:%|k\b|w\b|m[bs]\b|[gkt]b\b|mhz|ghz|hz\b|usd|dollars?|rmb|yuan|req|token|tok\b|user|people|param|"
    r"sec|minute|hour|day|watt|[qrt]ps\b|[个次条字人名词份页篇张块秒万亿米年月]|元|并发|请求|用户|毫秒|美元|的(?:端口|长度))"
)
_PLURAL = re.compile(r"\s([a-z]{2,}s)\b")
_MAY_BE_PLURAL = frozenset(
    [
        "gpus",
        "cards",
        "boxes",
        "nodes",
        "servers",
        "machines",
        "workstations",
        "desktops",
        "pcs",
        "rigs",
        "hosts",
        "as",
        "is",
        "was",
        "has",
        "does",
        "runs",
        "gets",
        "gives",
        "costs",
        "handles",
        "works",
        "needs",
        "serves",
        "fits",
        "plus",
        "across",
        "less",
        "versus",
        "vs",
        "this",
        "its",
        "us",
        "sits",
        "reaches",
        "makes",
        "takes",
        "uses",
    ]
)
_BEFORE_NUMBER = re.compile(
    r"(?:(?<![a-z])(?:port|context|length|len|tokens?|max|limit|step|seed|issue|line|page|id|no|error|code|version|"
    r"year|batch|context of|length of|limit of|up to|over|under|more than|at most)\s?[:=]?|[$#¥€£第约过到]|端口|长度|上下文|大约|超过)\s?$"
)

_THINGS = re.compile(
    r"(?:/l\d)|[\s-]{0,2}(?:lanes?|layers?|levels?|sheets?|papers?|vertebra|road|motorway|highway|switch|proxy|load.?balanc|"
    r"autonom|driv|cells?|hormone|lymph|sizes?|cache|screws?|bolts?|visa|级|层|纸|高速|公路|自动驾驶|细胞|负载均衡|螺)"
)
_PLACES = re.compile(
    r"(?:(?<![a-z])(?:level|layer|paper|fig|figure|table|section|room|gate|exit|highway|road|chapter|route|appendix)|"
    r"[第图表])\s?$"
)
_DENIED = re.compile(
    r"(?:(?:n't have|(?<![a-z])(?:no|not|without|do not have|don't need|instead of|replac(?:ed?|ing)|got rid of|sold|"
    r"used to have))(?: any| an?| our| my| the| old){0,2}|没有?|无|而?不是|不用|别用|不买|把(?:旧|老)?的?)\s?$"
)
_GONE = re.compile(
    r"s?\s?(?:买不到|拿不到|租不到|抢不到|缺货|没货|断货|太贵|没有|换成|换掉|卖了|淘汰|"
    r"(?:is|are|was|were)(?:n't| not| no longer)? ?(?:un)?available|(?:is|are|was|were) (?:sold out|out of stock|too expensive)|"
    r"(?:is|are|was|were) replaced|,? ?(?:maybe|perhaps|possibly)? ?(?:later\b|next (?:year|month|quarter))|(?:明年|以后|之后|下个月)(?:再|才))"
)


def glued(text: str, start: int, end: int, *, after_device: bool) -> bool:
    """Whether the name at ``start``–``end`` is a part of something longer: an id, a path, a number.

    Args:
        after_device: another device's name ends right before it, as in "A100/H100".
    """
    before = text[start].isascii() and _glued_before(text, start, after_device)
    return before or (text[end - 1].isascii() and _glued_behind(text, end))


def _glued_before(text: str, start: int, after_device: bool) -> bool:
    before = text[max(0, start - 24) : start]
    if not before:
        return False
    last = before[-1]
    if last.isascii() and last.isalnum():
        return not re.search(r"(?<![a-z\d.])(?:\d{1,5}x)?\d{1,12}(?:\.\d{1,3})?\s{0,2}x$", before)
    if last in "-_/":
        alone = len(before) < 2 or not _GLUED.match(before[-2])
        cjk = len(before) > 1 and not before[-2].isascii()
        return not (alone or cjk or after_device or _MAY_PRECEDE.search(before))
    return last in ".#$@\\" and not (last in ".@" and len(before) > 1 and not before[-2].isascii())


def _glued_behind(text: str, end: int) -> bool:
    behind = text[end : end + 12]
    if not behind:
        return False
    first = behind[0]
    if first.isascii() and first.isalnum():
        return not re.match(r"s(?![a-z\d])|x\d{1,5}(?![\da-z])", behind)
    if first in "-_/":
        if len(behind) > 1 and behind[1].isascii() and behind[1].isalnum():
            return not (_MAY_FOLLOW.match(behind) or first == "/")
        return False
    return (first in ".@\\" and len(behind) > 1 and behind[1].isascii() and behind[1].isalnum()) or first == "%"


def doubtful(text: str, start: int, end: int) -> bool:
    """Whether the words around make the name at ``start``–``end`` something else, or a plain number."""
    before, behind = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    if text[start:end].isdigit() and _is_number(before, behind):
        return True
    if text[start:end] == "910b" and re.match(r"\s?(?:param|参数|模型|model)", behind):
        return True
    return bool(_THINGS.match(behind) or _PLACES.search(before))


def denied(text: str, start: int, end: int) -> bool:
    """Whether somebody says that they do not have, or no longer, what is named at ``start``–``end``."""
    return bool(_DENIED.search(text[max(0, start - _REACH) : start]) or _GONE.match(text, end))


def _is_number(before: str, behind: str) -> bool:
    if _UNITS.match(behind):
        return True
    if (plural := _PLURAL.match(behind)) and plural[1] not in _MAY_BE_PLURAL:
        return True
    if re.search(r"\d[.,]$|(?<!gpu)(?<!gpus)(?<!card)(?<!显卡)[a-z\d]:$", before) or re.match(r"[.,]\d", behind):
        return True
    return bool(_BEFORE_NUMBER.search(before))
