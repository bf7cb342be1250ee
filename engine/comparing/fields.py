"""What the columns of a task file mean, by the names people give them, in English and Chinese.

Case, spaces and hyphens in a name make no difference. Columns with other names are kept with the case, for scripts and
rubrics, and otherwise left alone.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "case", "case_id", "question_id", "qid", "uid", "编号", "序号", "题号"),
    "prompt": ("prompt", "提示", "提示词"),
    "question": ("question", "query", "problem", "input", "instruction", "问题", "题目", "提问", "输入", "指令"),
    "document": (
        "document", "context", "passage", "article", "text", "source", "sentence", "review", "dialogue",
        "文档", "上下文", "材料", "原文", "正文", "文章", "文本", "句子", "内容", "评论", "对话",
    ),
    "label": ("label", "category", "class", "sentiment", "intent", "标签", "类别", "分类", "情感", "意图"),
    "summary": ("summary", "highlights", "摘要", "总结", "概要"),
    "answers": (
        "answer", "answers", "reference", "references", "target", "gold", "expected", "output", "result", "solution",
        "答案", "参考答案", "标准答案", "参考", "输出", "结果",
    ),
    "terms": ("terms", "term", "keywords", "术语", "关键词"),
    "steps": ("steps", "derivation", "步骤", "推导", "推导步骤"),
    "points": ("points", "key_points", "要点", "得分点"),
    "checks": ("checks", "check", "检查", "检查项"),
    "rubric": ("rubric", "criteria", "评分标准", "评分细则"),
}  # fmt: skip
"""Where several of one meaning stand in a row, the first in this order that is filled is taken."""

HEADER: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "type", "类型"),
    "name": ("name", "名称"),
    "language": ("language", "lang", "语言"),
    "labels": ("labels", "标签"),
    "instruction": ("instruction", "指令", "要求"),
    "system": ("system", "系统提示"),
    "rubric": ("rubric", "评分标准"),
    "max_tokens": ("max_tokens", "最大词元数"),
    "script": ("script", "脚本"),
    "generate": ("generate",),
}


def key(name: str) -> str:
    """A column's name as it is looked up."""
    return re.sub(r"[\s_-]+", "_", name.strip().strip("\ufeff").casefold())


def meant(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is filled in ``row``, by meaning. Two names of one meaning, such as ``text`` and ``context``: see ``NAMES``."""
    filled = {key(name): value for name, value in row.items() if _filled(value)}
    found: dict[str, Any] = {}
    for meaning, names in NAMES.items():
        for name in names:
            if name in filled:
                found[meaning] = filled[name]
                break
    return found


def plural(row: Mapping[str, Any], meaning: str) -> bool:
    """Whether the column of ``meaning`` has a name in the plural: one cell of it may hold several, parted by ``|``."""
    return any(key(name) in NAMES[meaning] and key(name).endswith("s") for name in row)


def _filled(value: Any) -> bool:
    return value is not None and (
        not isinstance(value, str | list | dict) or bool(value.strip() if isinstance(value, str) else value)
    )


def several(value: Any, mark: str = "") -> tuple[str, ...]:
    """The texts in a cell: a list, a JSON list, SQuAD's ``{"text": [...]}``, or one text, parted by ``mark`` if given.

    Raises:
        ValueError: something in it is no text and no number.
    """
    value = _listed(value)
    if isinstance(value, dict):
        value = value.get("text", value.get("value"))
    if isinstance(value, list):
        return tuple(dict.fromkeys(text for part in value if (text := one(part))))
    parts = one(value).split(mark) if mark else [one(value)]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _listed(value: Any) -> Any:
    """A cell that holds a JSON list of texts, as that list; ``[1, 2]`` may be an interval, and stays a text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            parts = json.loads(value)
            if isinstance(parts, list) and all(isinstance(part, str | list | dict) for part in parts):
                return parts
    return value


def one(value: Any) -> str:
    """A text or number as text. Raises ValueError: it is neither."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"]).strip()
    raise ValueError


def ways(value: Any) -> tuple[tuple[str, ...], ...]:
    """Things to be said, each in several ways: lists of lists, ``{"term": …, "synonyms": […]}``, or ``a|b; c``.

    Raises:
        ValueError: it is none of these.
    """
    value = _listed(value)
    if isinstance(value, str):
        value = re.split(r"[;；\n]", value)
    if not isinstance(value, list):
        raise ValueError
    found = [_ways_of(part) for part in value]
    return tuple(group for group in found if group)


def _ways_of(part: Any) -> tuple[str, ...]:
    if isinstance(part, list):
        return several(part)
    if isinstance(part, dict):
        named = [
            value for name, value in part.items() if key(str(name)) in ("term", "step", "point", "术语", "步骤", "要点")
        ]
        others = [value for name, value in part.items() if key(str(name)) in ("synonyms", "ways", "同义词")]
        if not named:
            raise ValueError
        return tuple(dict.fromkeys((one(named[0]), *(several(others[0], "|") if others else ()))))
    return several(one(part).replace("｜", "|"), "|")
