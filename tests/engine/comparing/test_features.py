"""What answers are like, held to texts labelled by hand; and what they leave out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.comparing.metrics import metrics_of, omitted
from engine.comparing.metrics.features import marks, sentences, sub_points
from engine.comparing.records import Answer, Case, Language, Task

LABELLED = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text(encoding="utf-8"))
MARKS = {"r": "reasoning", "b": "background", "h": "hedging"}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", list(LABELLED))
def test_sentences_are_told_apart_as_people_tell_them(part: str, lang: Language) -> None:
    labelled = [
        (said, {MARKS[c] for c in key if c != "-"})
        for key, all_of_it in LABELLED[part][lang].items()
        for said in all_of_it
    ]
    wrong = [(said, sorted(marks(said, lang))) for said, wanted in labelled if marks(said, lang) != wanted]
    assert len(labelled) >= 30
    assert len(wrong) <= len(labelled) * 0.06, wrong


LISTED = """\
There are three reasons:

1. **Cost**: it is 3.14 euros.
2. Time
   - shorter queues
   - fewer trips
3) Comfort

```
- no point, but code
```
First, call them. Second, wait. Nothing else."""
ZH_LISTED = (
    "原因有三：\n一、成本低；\n（二）省时间。\n③ 舒适\n2024年的数据如下。\n首先，打电话。其次，等待。别的不用做。"
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (LISTED, 7),
        (ZH_LISTED, 5),
        ("One sentence. Another.", 0),
        ("2.5 is a number.", 0),
        ("**Cost**: low\n**Time**: short", 2),
    ],
)
def test_sub_points_are_items_of_lists_and_ordinals(text: str, count: int) -> None:
    assert len(sub_points(text)) == count


def test_sentences_end_where_people_end_them() -> None:
    text = "Dr. Reyes paid 3.50 euros, e.g. for tea. “Fine.” She left!\nItem one\n他走了。她来了！"
    assert sentences(text) == (
        "Dr. Reyes paid 3.50 euros, e.g. for tea.",
        "“Fine.”",
        "She left!",
        "Item one",
        "他走了。",
        "她来了！",
    )


def test_features_of_an_answer() -> None:
    said = Answer(
        "1", "A heat pump is a system that moves heat.\n- It is cold, so the gas boils.\n- It may freeze.\n2 + 3 = 5"
    )
    found = {m.name: m.case(Case("1", "?"), said) for m in metrics_of(Task("t", "rubric", "en", ())) if m.case}
    assert found == {"sub_points": 2, "reasoning_steps": 2, "background": 1, "length": 22, "hedging": 1 / 4}


def test_what_was_left_out_of_a_cases_points() -> None:
    case = Case("1", "?", points=(("damp", "moisture"), ("ventilate",), ("landlord",)))
    found = omitted(case, Answer("1", "Moisture; tell your landlord."), Answer("1", "Ventilate."))
    assert [(o.side, o.point) for o in found] == [("a", "ventilate"), ("b", "damp"), ("b", "landlord")]
    assert omitted(case, Answer("1", failed="endpoint_busy"), Answer("1", "x")) == ()


@pytest.mark.parametrize(
    ("a", "b", "left_out"),
    [
        (
            "- Check the main fuse in the cellar.\n- Ask the neighbours whether their lights work.\n- Call the power company's hotline.",
            "- First check the fuse in your cellar.\n- Ask your neighbours if they have lights.",
            [("b", "Call the power company's hotline.")],
        ),
        (
            "- 先检查地下室的总保险丝。\n- 问问邻居家里有没有电。",
            "- 检查地下室的保险丝。\n- 问邻居有没有电。\n- 打电话给供电公司报修。",
            [("a", "打电话给供电公司报修。")],
        ),
        ("Paris.", "It is Paris, of course.", []),
    ],
)
def test_what_only_one_of_two_answers_says(a: str, b: str, left_out: list[tuple[str, str]]) -> None:
    found = omitted(Case("1", "?"), Answer("1", a), Answer("1", b))
    assert [(o.side, o.point) for o in found] == left_out
