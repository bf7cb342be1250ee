"""What an answer is worth, held to reference implementations: rouge-score, scikit-learn, SQuAD's rules."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.comparing.metrics import labels, metrics_of, spans, summaries
from engine.comparing.metrics.labels import label_said
from engine.comparing.records import Answer, Case, Kind, Language, Task

few = settings(max_examples=25, deadline=None)
CLASSES = ("positive", "negative", "neutral")
WORDS = st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "a", "an", "dog,", "ran.", "Far!", "it"]), max_size=12
).map(" ".join)


def task(kind: Kind, *cases: Case, language: Language = "en", labels: tuple[str, ...] = ()) -> Task:
    return Task("t", kind, language, cases, labels)


def score(kind: Kind, right: tuple[str, ...], text: str, language: Language = "en") -> list[float | None]:
    case = Case("1", "?", right)
    found = metrics_of(task(kind, case, language=language, labels=CLASSES))
    return [m.case(case, Answer("1", text)) for m in found if m.group == "quality" and m.case]


# Question answering


def squad_tokens(text: str) -> list[str]:
    """As SQuAD 1.1's evaluation says: small letters, no punctuation, no articles, white space as it comes."""
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def squad_f1(said: str, right: str) -> float:
    said_tokens, right_tokens = squad_tokens(said), squad_tokens(right)
    same = sum((Counter(said_tokens) & Counter(right_tokens)).values())
    if not same:
        return 0.0
    precision, recall = same / len(said_tokens), same / len(right_tokens)
    return 2 * precision * recall / (precision + recall)


@few
@given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_answers_are_scored_as_squads_script_does(said: str, right: list[str]) -> None:
    assume(all(squad_tokens(text) for text in (said, *right)))
    exact, f1 = score("qa", tuple(right), said)
    assert exact == float(any(squad_tokens(said) == squad_tokens(one) for one in right))
    assert f1 == pytest.approx(max(squad_f1(said, one) for one in right), abs=1e-6)


@pytest.mark.parametrize(
    ("said", "right", "language", "exact", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", "en", 1, 1),
        ("in Paris", "Paris", "en", 0, 2 / 3),
        ("“Paris”", "paris", "en", 1, 1),
        ("London", "Paris", "en", 0, 0),
        ("a", "A", "en", 1, 1),
        ("", "A", "en", 0, 0),
        ("北京。", "北京", "zh", 1, 1),
        ("北京市", "北京", "zh", 0, 4 / 5),
        ("１９８１年", "1981年", "zh", 1, 1),
        ("81年", "1981年", "zh", 0, 1 / 2),  # a number is one token
        ("", "北京", "zh", 0, 0),
    ],
)
def test_answers_made_by_hand(said: str, right: str, language: Language, exact: float, f1: float) -> None:
    assert score("qa", (right,), said, language) == [exact, pytest.approx(f1)]


@few
@given(st.text(max_size=40), st.sampled_from(["en", "zh"]))
def test_normalising_twice_changes_nothing_and_an_answer_is_its_own(text: str, language: Language) -> None:
    once = spans.normalised(text, language)
    assert spans.normalised(" ".join(once), language) == once
    assert score("qa", (text,), text.upper() if text.isascii() else text, language)[0] == 1


# Summaries


def rouge_l(said: list[str], right: list[str]) -> float:
    """From the definition: F of the longest common subsequence."""

    @cache
    def common(i: int, j: int) -> int:
        if i == len(said) or j == len(right):
            return 0
        return 1 + common(i + 1, j + 1) if said[i] == right[j] else max(common(i + 1, j), common(i, j + 1))

    return 2 * common(0, 0) / (len(said) + len(right)) if said and right else 0.0


@few
@given(WORDS, st.lists(WORDS, min_size=1, max_size=2))
def test_summaries_are_scored_by_their_longest_common_subsequence(said: str, right: list[str]) -> None:
    [found] = score("summary", tuple(right), said)
    wanted = max(rouge_l(re.findall("[a-z0-9]+", said.lower()), re.findall("[a-z0-9]+", one.lower())) for one in right)
    assert found == pytest.approx(wanted, abs=1e-6)


@few
@given(st.text("今天气很好不1，。 AB", max_size=16), st.text("今天气很好不1，。 AB", max_size=16))
def test_chinese_summaries_are_scored_by_character(said: str, right: str) -> None:
    cut = [re.findall(r"[\u4e00-\u9fff]|[a-z0-9]+", text.lower()) for text in (said, right)]
    assert score("summary", (right,), said, "zh") == [pytest.approx(rouge_l(*cut), abs=1e-6)]


def test_rouge_is_that_of_the_package() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    said, right = "The council closes Mill Street to cars.", "Mill Street is closed to cars by the council."
    wanted = RougeScorer(["rougeL"]).score(right, said)["rougeL"].fmeasure
    assert summaries.rouge_l("en", Case("1", "?", (right,)), Answer("1", said)) == pytest.approx(wanted, abs=1e-9)


# Classification


def counted_f1(gold: list[str], said: list[str]) -> float:
    """Macro F1 from the counts, over the labels that are right somewhere."""
    scores = []
    for label in sorted(set(gold)):
        pairs = list(zip(gold, said, strict=True))
        true = pairs.count((label, label))
        scores.append(2 * true / (gold.count(label) + said.count(label)))
    return sum(scores) / len(scores)


@few
@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from([*CLASSES, "no idea"])), min_size=1, max_size=30))
def test_macro_f1_is_what_counting_by_hand_gives_and_resampling_agrees(pairs: list[tuple[str, str]]) -> None:
    gold, said = map(list, zip(*pairs, strict=True))
    cases = [Case(str(n), "?", (label,)) for n, label in enumerate(gold)]
    answers = [Answer(str(n), label) for n, label in enumerate(said)]
    main = metrics_of(task("classification", *cases, labels=CLASSES))[0]
    assert main.name == "f1" and main.whole and main.resampled
    assert main.whole(cases, answers) == pytest.approx(counted_f1(gold, said), abs=1e-6)
    rows = np.random.default_rng(0).integers(0, len(pairs), (4, len(pairs)))
    wanted = [main.whole([cases[i] for i in row], [answers[i] for i in row]) for row in rows]
    assert main.resampled(cases, answers, rows) == pytest.approx(wanted, abs=1e-9)


def test_a_failed_answer_counts_nowhere() -> None:
    cases = [Case("1", "?", ("positive",)), Case("2", "?", ("negative",))]
    answers = [Answer("1", "positive"), Answer("2", failed="endpoint_busy")]
    for metric in metrics_of(task("classification", *cases, labels=CLASSES)):
        assert metric.case is None or metric.case(cases[1], answers[1]) is None
    assert labels.macro_f1(CLASSES, cases, answers) == 1
    assert labels.macro_f1_resampled(CLASSES, cases, answers, np.array([[0, 1], [0, 0]])) == pytest.approx([1, 1])


CHINESE, GRADES, LETTERS = ("正面", "负面", "中性"), ("满意", "不满意"), ("A", "B", "C")


@pytest.mark.parametrize(
    ("said", "among", "label"),
    [
        ("**Positive**", CLASSES, "positive"),
        ("The sentiment is positive.", CLASSES, "positive"),
        ("It is not positive.", CLASSES, ""),
        ("It isn't really positive; it's negative.", CLASSES, "negative"),
        ("Rather than positive, I would call it negative.", CLASSES, "negative"),
        ("neither positive nor negative, so neutral", CLASSES, "neutral"),
        ("There's no doubt this is positive", CLASSES, "positive"),
        ("positive or negative", CLASSES, ""),
        ("Answer: negative\nOn reflection,\nfinal answer: positive", CLASSES, "positive"),
        ("It looks positive. Answer: negative", CLASSES, "negative"),
        ('{"label": "negative"}', CLASSES, "negative"),
        (r"\boxed{\text{Positive}}", CLASSES, "positive"),
        ("positive\n\nNothing negative is said.", CLASSES, "positive"),
        ("I cannot tell.", CLASSES, ""),
        ("Very positive!", ("very positive", "positive"), "very positive"),
        ("It is not relevant.", ("relevant", "not relevant"), "not relevant"),
        ("C. because a dog is a dog", LETTERS, "C"),
        ("a dog", LETTERS, ""),
        ("10", ("1", "10"), "10"),
        ("答案：正面", CHINESE, "正面"),
        ("不是正面，而是负面", CHINESE, "负面"),
        ("这不是正面", CHINESE, ""),
        ("正面和负面都有", CHINESE, ""),
        ("既不正面也不负面，中性", CHINESE, "中性"),
        ("**负面**\n理由：没有正面的词。", CHINESE, "负面"),
        ("标签：不满意", GRADES, "不满意"),
        ("顾客很满意", GRADES, "满意"),
    ],
)
def test_the_label_is_found_in_free_text(said: str, among: tuple[str, ...], label: str) -> None:
    assert label_said(said, among) == label


# Terms, and what a task is measured by


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ("Arterial Hypertension and an old MI.", 1),
        ("high blood-pressure, mi", 1 / 2),
        ("hypertensions", 1 / 2),
        ("prehypertension", 0),
        ("", 0),
    ],
)
def test_terms_count_in_any_synonym_as_words_of_their_own(said: str, share: float) -> None:
    case = Case("1", "?", terms=(("hypertension", "high blood pressure"), ("myocardial infarction", "MI")))
    [metric] = [m for m in metrics_of(task("terms", case)) if m.group == "quality"]
    assert metric.case and metric.case(case, Answer("1", said)) == share


def test_numbers_are_no_part_of_longer_ones() -> None:
    case = Case("1", "?", terms=(("43210", "43,210"),))
    metric = metrics_of(task("terms", case))[0]
    said = {"43210": 1, "It is 43,210.": 1, "143210": 0, "43210.5": 0, "1,43210": 0, "43210人": 1}
    assert metric.case and {text: metric.case(case, Answer("1", text)) for text in said} == said


def test_every_kind_has_a_main_metric_and_the_features() -> None:
    steps = Case("1", "?", ("1",), steps=(("a",),))
    names = {
        kind: [m.name for m in metrics_of(task(kind, steps, labels=CLASSES))]
        for kind in ("classification", "qa", "summary", "terms", "maths", "rubric", "script")
    }
    features = ["sub_points", "reasoning_steps", "background", "length", "hedging"]
    assert all(found[-5:] == features for found in names.values())
    assert [found[:-5] for found in names.values()] == [
        ["f1", "accuracy"], ["em", "token_f1"], ["rouge_l"], ["terms"], ["result", "steps"], ["rubric"], ["script"],
    ]  # fmt: skip
    judged = metrics_of(task("rubric", steps))[0]
    assert judged.case is None and judged.whole is None


def test_scores_of_any_text_are_shares() -> None:
    random = Random(0)
    alphabet = "ab 1/2=\\{}()^%$,.，。的一二分之\n*-√"
    for kind in ("classification", "qa", "summary", "terms", "maths"):
        case = Case("1", "?", ("positive",), terms=(("a 1",),), steps=(("1=2",),))
        for metric in metrics_of(task(kind, case, labels=CLASSES)):
            for _ in range(40):
                text = "".join(random.choices(alphabet, k=random.randint(0, 60)))
                value = metric.case(case, Answer("1", text)) if metric.case else 0
                assert value is not None and 0 <= value <= (1 if metric.group == "quality" else 60)


LONG = ["(" * 9_000, "1" * 20_000, "if " * 9_000, "**a" * 9_000, r"\boxed{" * 3_000, "一" * 20_000, "not a b " * 4_000]


@pytest.mark.timeout(20)  # a second where the patterns are right, minutes where one runs back over the text
@pytest.mark.parametrize("text", LONG, ids=[text[:6] for text in LONG])
def test_no_answer_takes_long_to_read(text: str) -> None:
    case = Case("1", "?", ("positive",), terms=(("a 1",),), steps=(("1=2",),))
    kinds: tuple[Kind, ...] = ("classification", "qa", "terms", "maths")
    for kind in kinds:
        for metric in metrics_of(task(kind, case, labels=CLASSES)):
            assert metric.case is None or metric.case(case, Answer("1", text)) is not None
