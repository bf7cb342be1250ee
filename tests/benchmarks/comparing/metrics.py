"""Metrics beside reference implementations on the same texts, features beside labels by hand, long documents, and speed.

    python tests/benchmarks/comparing/metrics.py [--texts 2000]

References: rouge-score, scikit-learn, and the definitions written out here; torchmetrics (SQuAD) and math-verify too
where they are installed. Prints the largest difference of each.
"""

from __future__ import annotations

import argparse
import re
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import yaml

from engine import tokenizers
from engine.comparing.metrics import labels, maths, metrics_of, spans, summaries
from engine.comparing.metrics.features import marks
from engine.comparing.records import Answer, Case, Kind, Language, Task
from engine.comparing.tasks import seeds

ROOT = Path(__file__).parents[3]
CLASSES = ("positive", "negative", "neutral")
WORDS = [
    "the",
    "a",
    "an",
    "cat",
    "Paris,",
    "river.",
    "ran",
    "12",
    "1,000",
    "O'Neil's",
    "well-known",
    "(vote)",
    "cars!",
    "in",
]
CHARACTERS = "今天气很好市议会决定街道禁止汽车12号，。AB"
MARKS = {"r": "reasoning", "b": "background", "h": "hedging"}


def text(random: Random, language: Language) -> str:
    if language == "zh":
        return "".join(random.choices(CHARACTERS, k=random.randint(1, 60)))
    return " ".join(random.choices(WORDS, k=random.randint(1, 40)))


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, from its definition."""
    row = [0] * (len(other) + 1)
    for left in one:
        diagonal = 0
        for place, right in enumerate(other, 1):
            diagonal, row[place] = row[place], diagonal + 1 if left == right else max(row[place], row[place - 1])
    return row[-1]


def rouge_by_hand(said: str, right: str, language: Language) -> float:
    cut = r"[\u4e00-\u9fff]|[a-z0-9]+" if language == "zh" else r"[a-z0-9]+"
    left, wanted = re.findall(cut, said.lower()), re.findall(cut, right.lower())
    return 2 * common(left, wanted) / (len(left) + len(wanted)) if left and wanted else 0.0


def squad_by_hand(said: str, right: str) -> tuple[float, float]:
    def cut(text: str) -> list[str]:
        bare = "".join(char for char in text.lower() if char not in string.punctuation)
        return re.sub(r"\b(a|an|the)\b", " ", bare).split()

    left, wanted = cut(said), cut(right)
    shared = sum((Counter(left) & Counter(wanted)).values())
    return float(left == wanted), 2 * shared / (len(left) + len(wanted)) if shared else 0.0


def largest(pairs: Iterable[tuple[float, float]]) -> str:
    found = [abs(one - other) for one, other in pairs]
    return f"{max(found):.1e} over {len(found)}"


def score(
    function: Callable[[Language, Case, Answer], float | None], language: Language, right: str, said: str
) -> float:
    return function(language, Case("1", "?", (right,)), Answer("1", said)) or 0.0


def references(texts: int) -> None:
    random = Random(0)
    english = [(text(random, "en"), text(random, "en")) for _ in range(texts)]
    english = [pair for pair in english if all(set(one.split()) - {"a", "an", "the"} for one in pair)]
    english += [(one, one.upper() if random.random() < 0.5 else f"The {one}!") for one, _ in english[: texts // 4]]
    chinese = [(text(random, "zh"), text(random, "zh")) for _ in range(texts)]

    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    print("largest differences")
    by_hand = ((score(spans.exact, "en", right, said), squad_by_hand(said, right)[0]) for said, right in english)
    print(f"  EM, SQuAD's rules written out:          {largest(by_hand)}")
    by_hand = ((score(spans.token_f1, "en", right, said), squad_by_hand(said, right)[1]) for said, right in english)
    print(f"  token F1, SQuAD's rules written out:    {largest(by_hand)}")
    rouge = ((score(summaries.rouge_l, "en", r, s), scorer.score(r, s)["rougeL"].fmeasure) for s, r in english)
    print(f"  ROUGE-L en, rouge-score:                {largest(rouge)}")
    rouge = ((score(summaries.rouge_l, "en", r, s), rouge_by_hand(s, r, "en")) for s, r in english)
    print(f"  ROUGE-L en, LCS written out:            {largest(rouge)}")
    rouge = ((score(summaries.rouge_l, "zh", r, s), rouge_by_hand(s, r, "zh")) for s, r in chinese)
    print(f"  ROUGE-L zh, LCS of characters:          {largest(rouge)}")
    if find_spec("torchmetrics"):  # a package of its own, with the same rules
        print(f"  EM and F1, torchmetrics' SQuAD:         {largest(torchmetrics_squad(english))}")
    print(f"  macro F1, counted by hand:              {largest(macro(random, 200))}")
    print(f"  macro F1, resampled at once:            {largest(resampled(random))}")


def torchmetrics_squad(pairs: Sequence[tuple[str, str]]) -> Iterable[tuple[float, float]]:
    from torchmetrics.functional.text import squad

    for said, right in pairs:
        theirs = squad(
            [{"prediction_text": said, "id": "1"}], [{"answers": {"answer_start": [0], "text": [right]}, "id": "1"}]
        )
        yield score(spans.exact, "en", right, said), float(theirs["exact_match"]) / 100
        yield score(spans.token_f1, "en", right, said), float(theirs["f1"]) / 100


def answers(random: Random, count: int) -> tuple[list[Case], list[Answer]]:
    gold = random.choices(CLASSES, weights=(5, 3, 1), k=count)
    said = [label if random.random() < 0.7 else random.choice([*CLASSES, "no idea"]) for label in gold]
    cases = [Case(str(n), "?", (label,)) for n, label in enumerate(gold)]
    return cases, [Answer(str(n), f"It is {label}.") for n, label in enumerate(said)]


def macro(random: Random, repeats: int) -> Iterable[tuple[float, float]]:
    for _ in range(repeats):
        cases, given = answers(random, random.randint(1, 60))
        pairs = [(case.answers[0], labels.label_said(a.text, CLASSES)) for case, a in zip(cases, given, strict=True)]
        gold, said = [g for g, _ in pairs], [s for _, s in pairs]
        scores = [2 * pairs.count((x, x)) / (gold.count(x) + said.count(x)) for x in set(gold)]
        yield labels.macro_f1(CLASSES, cases, given), sum(scores) / len(scores)


def resampled(random: Random) -> Iterable[tuple[float, float]]:
    cases, given = answers(random, 40)
    rows = np.random.default_rng(0).integers(0, 40, (200, 40))
    for row, figure in zip(rows, labels.macro_f1_resampled(CLASSES, cases, given, rows), strict=True):
        yield labels.macro_f1(CLASSES, [cases[i] for i in row], [given[i] for i in row]), float(figure)


WRITTEN = [
    (r"\frac{1}{2}", "0.5"), ("0.5", "50\\%"), ("1000", "1,000"), (r"\frac{4}{36}", r"\frac19"), (r"2\sqrt{3}", r"\sqrt{12}"),
    ("7/2", "3.5"), ("(9, 4)", "(9,4)"), ("(9, 4)", "(4,9)"), ("54", r"\$54"), ("3", r"3\text{ cm}"), ("-2", "2"), ("x=5", "5"),
    (r"\frac{\pi}{4}", r"\pi/4"), ("17", "7"), ("10^3", "1000"), ("1/3", "0.33"), (r"\{1,2\}", r"\{2,1\}"), ("45^\\circ", "45"),
    ("2^{10}", "1024"), ("0.1", r"\frac{1}{10}"), ("1.5", r"1\frac{1}{2}"), ("8", r"\frac{24}{3}"), ("12", "21"), ("-0.25", r"-\frac{1}{4}"),
]  # fmt: skip


def maths_verified() -> None:
    from math_verify import parse, verify

    ours = [maths.right(Case("1", "?", (one,)), Answer("1", rf"\boxed{{{other}}}")) == 1 for one, other in WRITTEN]
    theirs = [bool(verify(parse(f"${one}$"), parse(rf"$\boxed{{{other}}}$"))) for one, other in WRITTEN]
    unlike = [pair for pair, a, b in zip(WRITTEN, ours, theirs, strict=True) if a != b]
    print(f"results equal or not, math-verify: {len(WRITTEN) - len(unlike)} of {len(WRITTEN)} alike; unlike: {unlike}")


def agreement() -> None:
    print("features beside labels by hand (sentences right in all marks; precision and recall by mark)")
    labelled = yaml.safe_load((ROOT / "tests/engine/comparing/sentences.yaml").read_text(encoding="utf-8"))
    for part, languages in labelled.items():
        for language, by_key in languages.items():
            pairs = [
                ({MARKS[c] for c in key if c != "-"}, marks(said, language))
                for key, all_of_it in by_key.items()
                for said in all_of_it
            ]
            line = f"  {part} {language}: {sum(w == f for w, f in pairs)} of {len(pairs)}"
            for mark in MARKS.values():
                hits = sum(mark in w and mark in f for w, f in pairs)
                precision, recall = hits / sum(mark in f for _, f in pairs), hits / sum(mark in w for w, _ in pairs)
                line += f"; {mark} {precision:.2f} {recall:.2f}"
            print(line)


def documents() -> None:
    print(
        "long documents: cases, tokens by DeepSeek-V3's, Qwen2.5's and Llama 3's tokenizer (fewest), seconds to make them"
    )
    for name in (name for name in seeds() if name.startswith("long")):
        start = time.perf_counter()
        cases = seeds()[name].cases
        seconds = time.perf_counter() - start
        counts = [
            min(tokenizers.count(t, case.prompt) for case in cases[:4]) for t in ("deepseek-v3", "qwen2.5", "llama-3")
        ]
        print(f"  {name}: {len(cases)}, {counts}, {seconds:.2f}")


def speed() -> None:
    print("milliseconds an answer: all metrics and features of a kind; 2,000 characters with 30,000 of thoughts")
    prose = "So the train needs 90 minutes. It may be late; the answer is positive, x = 5. " * 26
    thoughts = "Because 3x = 15, we get x = 5. Perhaps not. " * 680
    kinds: tuple[Kind, ...] = ("classification", "qa", "summary", "terms", "maths")
    for kind in kinds:
        case = Case("1", "?", ("positive",), terms=(("train",), ("bus", "coach")), steps=(("3x = 15",), ("x = 5",)))
        found = metrics_of(Task("t", kind, "en", (case,), CLASSES))
        start = time.perf_counter()
        for number in range(20):
            answer = Answer("1", f"{number} {prose}", f"{number} {thoughts}")
            for metric in found:
                if metric.case:
                    metric.case(case, answer)
        print(f"  {kind}: {(time.perf_counter() - start) / 20 * 1000:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=2_000)
    chosen = parser.parse_args()
    references(chosen.texts)
    if find_spec("math_verify"):
        maths_verified()
    agreement()
    documents()
    speed()


if __name__ == "__main__":
    main()
