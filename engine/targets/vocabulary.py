"""tokenizer.json → Vocabulary, whole or from its head alone."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.errors import CorruptTarget
from engine.targets.source import parse_object
from engine.targets.target import ANCHORS, SAMPLE_IDS, Vocabulary

HEAD = 256 << 10
"""Bytes fetched of a remote tokenizer.json: DeepSeek's 818 added tokens fill 206 KB of them."""

_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(\d{1,9})')


def parse_vocabulary(data: bytes) -> Vocabulary:
    """The vocabulary of a whole tokenizer.json.

    Raises:
        CorruptTarget: not JSON, or not a tokenizer.
    """
    document = parse_object(data, "tokenizer.json")
    ids, added = _texts(document), _added(document.get("added_tokens"))
    merges = document["model"].get("merges")
    return Vocabulary(
        source="tokenizer.json",
        size=len(ids.keys() | set(added.values())),
        merges=len(merges) if isinstance(merges, list) else None,
        added=added,
        sample={index: ids[index] for index in SAMPLE_IDS if index in ids},
        anchors={index: ids[index] for index in ANCHORS if index in ids},
    )


def parse_texts(data: bytes) -> dict[int, str]:
    """The text of every token of a tokenizer.json by its id, as the file keeps it. Raises as ``parse_vocabulary``."""
    document = parse_object(data, "tokenizer.json")
    return _texts(document) | {index: text for text, index in _added(document.get("added_tokens")).items()}


def _texts(document: dict[str, Any]) -> dict[int, str]:
    model = document.get("model")
    if not isinstance(model, dict):
        raise CorruptTarget("tokenizer_invalid", problem="it has no model")
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        return {index: text for text, index in vocabulary.items() if isinstance(index, int)}
    if isinstance(vocabulary, list):  # unigram models: [text, score] in id order
        return {index: str(pair[0]) for index, pair in enumerate(vocabulary) if isinstance(pair, list) and pair}
    raise CorruptTarget("tokenizer_invalid", problem="its model has no vocab")


def parse_vocabulary_head(data: bytes) -> Vocabulary | None:
    """What the first bytes of a tokenizer.json show: added tokens and the lowest ids.

    Relies on the serialisation order of the tokenizers library (``added_tokens`` before ``model``);
    ``None`` where that does not hold.
    """
    text = data.decode("utf-8", "ignore")
    start, vocabulary_at = text.find('"added_tokens"'), text.find('"vocab"')
    if start < 0:
        return None
    added = _added(_objects(text, text.find("[", start)))
    wanted, sample = set(SAMPLE_IDS), {}
    for match in _PAIR.finditer(text, vocabulary_at) if vocabulary_at > 0 else ():
        if (index := int(match[2])) in wanted:
            sample[index] = json.loads(f'"{match[1]}"')
    return Vocabulary(source="tokenizer.json", size=None, merges=None, added=added, sample=sample)


def _objects(text: str, at: int) -> list[Any]:
    """The objects of an array that may break off."""
    decoder, found = json.JSONDecoder(), []
    at = text.find("{", at) if at >= 0 else -1
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        found.append(value)
        rest = re.compile(r"\s*,\s*").match(text, end)
        at = rest.end() if rest else -1
    return found


def _added(entries: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("content"), str) and isinstance(entry.get("id"), int):
            found[entry["content"]] = entry["id"]
    return found
