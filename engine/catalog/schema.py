"""Catalog records: families, variants, tokenizers, published models and folklore, validated on load."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt

Text = dict[Literal["en", "zh"], str]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
VariantKind = Literal["full", "relative", "distilled", "other"]
"""``full``: the model people mean (R1, R1-0528). ``relative``: shares its shape, is not it (V3, R1-Zero).
``distilled``: a student. ``other``: a published model outside the family (a distill's base, say)."""


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(Record):
    """Published dimensions, by the names of transformers configs. ``None``: not stated or not applicable."""

    model_type: str
    num_hidden_layers: PositiveInt
    hidden_size: PositiveInt
    num_attention_heads: PositiveInt
    num_key_value_heads: PositiveInt | None = None
    head_dim: PositiveInt | None = None
    intermediate_size: PositiveInt | None = None
    vocab_size: PositiveInt | None = None
    max_position_embeddings: PositiveInt | None = None
    tie_word_embeddings: bool | None = None
    n_routed_experts: PositiveInt | None = None
    n_shared_experts: PositiveInt | None = None
    num_experts_per_tok: PositiveInt | None = None
    moe_intermediate_size: PositiveInt | None = None
    first_k_dense_replace: PositiveInt | None = None
    q_lora_rank: PositiveInt | None = None
    kv_lora_rank: PositiveInt | None = None
    qk_nope_head_dim: PositiveInt | None = None
    qk_rope_head_dim: PositiveInt | None = None
    v_head_dim: PositiveInt | None = None
    num_nextn_predict_layers: PositiveInt | None = None
    index_topk: PositiveInt | None = None
    rope_theta: float | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None


class Parameters(Record):
    """Counts computed from the layout; ``main`` without the multi-token-prediction layer, ``stored`` with
    everything the published checkpoint holds except quantisation scales. ``about``: a rounded figure."""

    main: PositiveInt
    stored: PositiveInt
    active: PositiveInt | None = None
    about: bool = False


class Tokenizer(Record):
    """A published vocabulary. ``size``: ids defined, added tokens included. ``marks``: added tokens that
    tell it from others with the same base vocabulary, with their ids (``null``: any id). ``absent``: tokens
    it must not have. ``vocabulary``: the base vocabulary, by name."""

    size: PositiveInt | None = None
    merges: PositiveInt | None = None
    added: PositiveInt | None = None
    marks: dict[str, int | None] = {}
    absent: tuple[str, ...] = ()
    vocabulary: str | None = None
    source: str


class LongCounts(Record):
    """Tokens of the long composed message: special tokens in it ``parsed``, taken as ``plain`` text, or
    the model's own ``stripped`` by its server, or none left (``bare``) by a gateway."""

    parsed: PositiveInt
    plain: PositiveInt
    stripped: PositiveInt
    bare: PositiveInt


class ShortText(Record):
    """The short composed text, and the tokens of the message it makes, by tokenizer."""

    text: str
    counts: dict[str, PositiveInt]


class LongText(Record):
    """The long composed text, and the special tokens written out behind it."""

    text: str
    marks: str
    counts: dict[str, LongCounts]


class TokenizedText(Record):
    """A short text, and its token ids by vocabulary."""

    text: str
    ids: dict[str, tuple[int, ...]]


class Composed(Record):
    """Texts whose token counts tell tokenizers apart, made by tests/benchmarks/build_composed_texts.py.
    ``nonces``: words that are one token to every tokenizer, so that no two requests need be alike."""

    short: ShortText
    long: LongText
    tokenized: TokenizedText
    nonces: tuple[str, ...]


class Vocabulary(Record):
    """A base vocabulary shared by several tokenizers: token text at ``engine.targets.target.SAMPLE_IDS``."""

    sample: dict[int, str]
    source: str


class Variant(Record):
    """A hypothesis. ``names``: regular expressions (case-insensitive, searched in the normalised name)
    by which a claim means this variant. ``template``: substrings of chat_template that it has
    (``has``) or lacks (``lacks``). ``prior_served``: the prior at endpoints, where it
    differs. ``base``: what it was trained from, by id where the catalog has it (model cards; of Qwen2.5-Math and
    -Coder the technical reports, which start from Qwen2.5). ``thinks``: whether it reasons before it answers, ``optional`` where a
    switch decides, ``None`` where nobody published it."""

    id: str
    kind: VariantKind
    thinks: Literal["always", "optional", "never"] | None = None
    title: Text
    prior: Annotated[float, Field(gt=0)] = 1.0
    prior_served: Annotated[float, Field(gt=0)] | None = None
    repos: tuple[str, ...] = ()
    names: tuple[Pattern, ...] = ()
    shape: Shape
    tokenizer: str | None = None
    template_has: tuple[str, ...] = ()
    template_lacks: tuple[str, ...] = ()
    parameters: Parameters
    base: str | None = None
    weights: str | None = None
    licence: str | None = None
    benchmarks: dict[str, float] = {}
    source: str


class Family(Record):
    """A teacher, its students and what they are confused with. ``alone``: published models are no
    hypotheses beside its variants (a table of rounded figures would lose to each of them). ``retired``: variants that
    earlier versions had and this one drops on purpose; without a word none goes."""

    name: str
    version: str
    title: Text
    note: Text | None = None
    alone: bool = False
    tokenizers: dict[str, Tokenizer] = {}
    vocabularies: dict[str, Vocabulary] = {}
    variants: tuple[Variant, ...]
    retired: tuple[str, ...] = ()


class Folktale(Record):
    """A circulating figure: ``pattern`` (case-insensitive regular expression, en and zh) finds it in a
    message, ``reply`` says kindly which published configuration contradicts it."""

    id: str
    pattern: Pattern
    figure: str
    reply: Text
    source: str
