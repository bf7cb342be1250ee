"""Text into the ids of a checkpoint's own tokenizer, as its model was trained to read them.

In order: its tokenizer.json (local, or the whole of a remote one); of a GGUF file, the vocabulary that ships here
where it has that one, or its own scores; what transformers makes of a GGUF file or of older tokenizer files. Code from
a repository is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from engine import tokenizers
from engine.errors import CorruptTarget, TargetError
from engine.targets import open_target
from engine.targets.target import Target, Vocabulary

if TYPE_CHECKING:
    from engine.targets.source import Source

Encode = Callable[[str], list[int]]
_LIMIT = 100_000_000
_OLDER = ("tokenizer.model", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
_SAMPLED = 16
"""Sampled tokens that must all be a shipped vocabulary's before it is taken for the file's."""


def encode(spec: str, texts: Sequence[str]) -> list[list[int]]:
    """Each text's ids, with what the model wants before it (a beginning-of-sequence token, ``[CLS]``).

    Raises:
        TargetError: as ``open_target``; ``tokenizer_missing``: nothing here says how it cuts text.
        CorruptTarget: its tokenizer cannot be read.
    """
    cut = cutter(open_target(spec))
    return [cut(text) for text in texts]


def cutter(target: Target) -> Encode:
    """The function that cuts text for an opened target. Raises as ``encode``."""
    names = {file.name for file in target.files}
    if target.gguf is not None:
        return _shipped(target) or _by_scores(target) or _by_transformers(target, gguf=True)
    if "tokenizer.json" in names:
        return _of_json(_small_file(target, "tokenizer.json"), target.tokenizer_config or {})
    if target.root is not None and not names.isdisjoint(_OLDER):
        return _by_transformers(target, gguf=False)
    raise TargetError("tokenizer_missing", name=target.name)


def _of_json(data: bytes, settings: Any) -> Encode:
    """By tokenizer.json, and by what tokenizer_config.json says of the first token."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # the library raises plain Exception for whatever is wrong with the file
        raise CorruptTarget("tokenizer_invalid", problem=str(error)[:120]) from error
    # Sentence-transformers models fill up to a fixed length.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    first = settings.get("bos_token") if settings.get("add_bos_token") else None
    text = first.get("content") if isinstance(first, dict) else first
    begin = tokenizer.token_to_id(text) if isinstance(text, str) else None

    def cut(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text).ids
        return ids if begin is None or ids[:1] == [begin] else [begin, *ids]

    return cut


def _shipped(target: Target) -> Encode | None:
    """By a vocabulary that ships here, where every sampled token of the file is that vocabulary's."""
    vocabulary, settings = target.vocabulary, target.gguf or {}
    name = _same(vocabulary) if vocabulary is not None else None
    if name is None:
        return None
    codec, first = tokenizers.load(name), _begin(settings)
    return lambda text: [*first, *codec.encode(text)]


def _begin(settings: Mapping[str, Any], *, unsaid: bool = False) -> list[int]:
    """What a GGUF file wants before every text. ``unsaid``: whether it does where it does not say so."""
    begin = settings.get("tokenizer.ggml.bos_token_id")
    wanted = settings.get("tokenizer.ggml.add_bos_token", unsaid)
    return [begin] if wanted and isinstance(begin, int) else []


def _same(vocabulary: Vocabulary) -> str | None:
    if len(vocabulary.sample) < _SAMPLED:
        return None
    alphabet = tokenizers.byte_alphabet()
    for name in tokenizers.CANDIDATES:
        token = tokenizers.load(name).token
        pairs = ((token(index), text) for index, text in vocabulary.sample.items())
        if all(data is not None and "".join(alphabet[byte] for byte in data) == text for data, text in pairs):
            return name
    return None


def _by_scores(target: Target) -> Encode | None:
    """By the scores of a GGUF file whose tokenizer is SentencePiece's (``llama`` there)."""
    settings = target.gguf or {}
    if settings.get("tokenizer.ggml.model") != "llama" or target.root is None:
        return None
    from engine.targets.gguf_header import read_gguf
    from engine.targets.source import FileSource

    with FileSource(target.root / target.weights[0].name) as source:
        header = read_gguf(source)
    if not header.tokens or len(header.token_scores) != len(header.tokens):
        return None
    pieces = {token.decode("utf-8", "replace"): index for index, token in enumerate(header.tokens)}
    scores = header.token_scores
    first = _begin(settings, unsaid=True)
    space = "▁" if settings.get("tokenizer.ggml.add_space_prefix", True) else ""
    return lambda text: [*first, *merged(space + text.replace(" ", "▁"), pieces, scores)]


def merged(text: str, pieces: Mapping[str, int], scores: Sequence[float]) -> list[int]:
    """A text as SentencePiece's BPE cuts it (Kudo & Richardson 2018, §3.1): the two neighbours whose union scores best
    become one, until no union is a piece; what is no piece then is written by its bytes, ``<0xE4>``."""
    parts = list(text)
    while True:
        unions = [
            (scores[pieces[one + two]], -at) for at, (one, two) in enumerate(pairwise(parts)) if one + two in pieces
        ]
        if not unions:
            break
        at = -max(unions)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    ids: list[int] = []
    for part in parts:
        if part in pieces:
            ids.append(pieces[part])
        else:
            ids += [pieces[name] for byte in part.encode() if (name := f"<0x{byte:02X}>") in pieces]
    return ids


def _by_transformers(target: Target, *, gguf: bool) -> Encode:
    if target.root is None:
        raise TargetError("tokenizer_missing", name=target.name)
    from transformers import AutoTokenizer

    given = {"gguf_file": target.weights[0].name} if gguf else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(target.root), local_files_only=True, trust_remote_code=False, **given
        )
    except Exception as error:  # transformers fails in many ways on files it does not know
        raise TargetError("tokenizer_missing", name=target.name) from error
    return lambda text: list(tokenizer(text).input_ids)


def _small_file(target: Target, name: str) -> bytes:
    """A file beside the weights, whole."""
    from engine.targets.source import FileSource

    if target.root is not None:
        with FileSource(target.root / name) as source:
            return _whole(source, name)
    from engine.targets.hub import reopen

    folder = reopen(target)
    try:
        return folder.small(name, _LIMIT) or b""
    finally:
        folder.client.close()


def _whole(source: Source, name: str) -> bytes:
    if source.size > _LIMIT:
        raise CorruptTarget("json_too_large", name=name)
    return source.read(0, source.size)
