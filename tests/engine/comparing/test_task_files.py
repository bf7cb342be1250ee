"""Tasks and recorded answers as people write them, with their mistakes; and the tasks that ship."""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from engine import tokenizers
from engine.comparing import harness, rows
from engine.comparing.long_documents import long_cases
from engine.comparing.metrics import maths, metrics_of, terms
from engine.comparing.metrics.labels import label_said
from engine.comparing.recorded import parse_recorded, recorded
from engine.comparing.records import Answer, Case, Language, Task
from engine.comparing.tasks import KINDS, load_task, parse_task, seeds
from engine.errors import R1Error

CHECK = "def check(case, answer):\n    return case['word'] in answer\n"


def read(text: str | bytes, file: str, **options: str) -> Task:
    return parse_task(text if isinstance(text, bytes) else text.encode(), file, **options)  # type: ignore[arg-type]


def problem(text: str | bytes, file: str, **options: str) -> tuple[str, object]:
    """The mistake's code, and the line it is said to be on; in both languages there is a sentence for it."""
    with pytest.raises(R1Error) as caught:
        read(text, file, **options)
    assert all(caught.value.sentence(lang) for lang in ("en", "zh"))
    return caught.value.code, caught.value.values.get("line")


SAME = [("很好，喜欢", "正面"), ("很差", "负面")]
CSV = "编号,文本,标签\n一,“很好，喜欢”,正面\n二,很差,负面\n".replace("“很好，喜欢”", '"很好，喜欢"')


@pytest.mark.parametrize(
    ("data", "file"),
    [
        (CSV.encode(), "a.csv"),
        (CSV.encode("utf-8-sig").replace(b"\n", b"\r\n"), "a.csv"),
        (CSV.encode("gbk"), "a.CSV"),
        (CSV.encode("utf-16"), "a.csv"),
        (CSV.replace(",", ";").encode(), "a.csv"),
        (CSV.replace(",", "\t").encode(), "a.tsv"),
        ("\n".join(json.dumps({"Text": t, "Label": x}) + "\n" for t, x in SAME).encode(), "a.jsonl"),
        (json.dumps([{"sentence": t, "category": x} for t, x in SAME], indent=1).encode(), "a.json"),
        (yaml.safe_dump([{"text": t, "label": x} for t, x in SAME], allow_unicode=True).encode(), "a.yaml"),
    ],
)
def test_one_task_in_every_format(data: bytes, file: str) -> None:
    task = read(data, file)
    assert (task.name, task.kind, task.language, task.labels) == ("a", "classification", "zh", ("正面", "负面"))
    assert [(case.prompt.split("\n\n")[1], case.answers) for case in task.cases] == [(t, (x,)) for t, x in SAME]
    assert "正面、负面" in task.cases[0].prompt


def test_a_header_says_what_holds_for_all_cases() -> None:
    header = {
        "kind": "terms",
        "name": "wards",
        "language": "en",
        "instruction": "Name it.",
        "system": "Be brief.",
        "max_tokens": 99,
    }
    cases = [
        {"id": 7, "question": "High pressure?", "terms": "hypertension|HTN; systolic"},
        {"question": "Low?", "terms": [["hypotension"]]},
    ]
    for data, file in (
        (yaml.safe_dump({"task": header, "cases": cases}), "t.yaml"),
        ("\n".join(map(json.dumps, [{"task": header}, *cases])), "t.jsonl"),
    ):
        task = read(data, file)
        assert (task.kind, task.name, task.system, task.max_tokens) == ("terms", "wards", "Be brief.", 99)
        assert [case.id for case in task.cases] == ["7", "2"]
        assert task.cases[0].prompt == "Name it.\n\nHigh pressure?"
        assert task.cases[0].terms == (("hypertension", "HTN"), ("systolic",))
        assert task.cases[0].given["question"] == "High pressure?"


def test_what_a_model_is_asked() -> None:
    whole = read('{"prompt": "Say it.", "answer": "it"}', "a.jsonl", kind="qa")
    assert whole.cases[0].prompt == "Say it."  # nothing is added to a whole prompt
    squad = read(
        '{"context": "It rained.", "question": "Did it?", "answers": {"text": ["rained"], "answer_start": [3]}}',
        "a.jsonl",
    )
    assert (squad.kind, squad.cases[0].answers) == ("qa", ("rained",))
    assert squad.cases[0].prompt.endswith("Text:\nIt rained.\n\nQuestion: Did it?")


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"question": "q", "terms": [["t"]]}, "terms"),
        ({"problem": "q", "answer": "1", "steps": ["s"]}, "maths"),
        ({"article": "long", "highlights": "short"}, "summary"),
        ({"prompt": "q", "rubric": "be right"}, "rubric"),
        ({"prompt": "q", "checks": {"contains": "x"}}, "script"),
        ({"context": "It is red.", "question": "q", "answer": "red"}, "qa"),
        ({"question": "q", "answer": "red"}, None),
        ({"context": "It is red.", "question": "q", "answer": "A colour, and one that stands in no text."}, None),
    ],
)
def test_the_kind_is_told_only_where_there_is_no_doubt(row: dict[str, object], kind: str | None) -> None:
    if kind:
        assert read(json.dumps(row), "a.jsonl").kind == kind
    else:
        assert problem(json.dumps(row), "a.jsonl")[0] == "task_kind_unclear"


@pytest.mark.parametrize(
    ("text", "file", "code", "line"),
    [
        ("", "a.csv", "task_empty", None),
        (" \n\n", "a.jsonl", "task_empty", None),
        ("question,answer\n", "a.csv", "task_no_cases", None),
        ("{}", "a.txt", "task_type", None),
        ('{"question": "q", "answer": "a"}\n\n{"question"', "a.jsonl", "task_json", 3),
        ('[{"question": "q", "answer": "a"},\n\n oops]', "a.json", "task_json", 3),
        ('{"question": "q", "answer": "a"}\n[1]', "a.jsonl", "task_not_an_object", 2),
        ('question,answer\n"a\nb",c\nd,e,f\n', "a.csv", "task_cells", 4),
        ('question,answer\n"a,b\n', "a.csv", "task_csv", 2),
        ("question,question\na,b\n", "a.csv", "task_column_twice", 1),
        ("task: {kind: qa\n", "a.yaml", "task_yaml", 2),
        ("task: {kind: qa}\ncase: []\n", "a.yaml", "task_yaml_top", 2),
        ("task:\n  knd: qa\ncases: [{question: q, answer: a}]\n", "a.yaml", "task_header", 2),
        ("task:\n  max_tokens: 0\ncases: [{question: q, answer: a}]\n", "a.yaml", "task_max_tokens", 2),
        ("task:\n  generate: {tokens: 1}\n", "a.yaml", "task_generate", 2),
        ('{"colour": "red"}', "a.jsonl", "task_no_prompt", 1),
        ('{"question": "q", "answer": "a"}\n{"question": "r"}', "a.jsonl", "task_no_answer", 2),
        ('{"question": "q", "answer": {"a": {}}}', "a.jsonl", "task_value", 1),
        (
            '{"id": 1, "question": "q", "answer": "a"}\n{"id": "1", "question": "r", "answer": "a"}',
            "a.jsonl",
            "task_id_twice",
            2,
        ),
        ('{"question": "q", "answer": "a"}\n{"question": "q", "answer": "b"}', "a.jsonl", "task_prompt_twice", 2),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, file: str, code: str, line: int | None) -> None:
    assert problem(text, file, kind="qa") == (code, line)


def test_mistakes_of_a_kind() -> None:
    labelled = "task: {kind: classification, labels: [x, y]}\ncases:\n- {text: a, label: X}\n- {text: b, label: z}\n"
    assert problem(labelled, "a.yaml") == ("task_label", 4)
    assert problem('{"text": "a", "label": "x"}', "a.jsonl")[0] == "task_labels"
    assert problem('{"text": "a", "label": ["x", "y"]}', "a.jsonl") == ("task_label_several", 1)
    assert problem('{"prompt": "q"}', "a.jsonl", kind="rubric")[0] == "task_no_rubric"
    assert problem('{"prompt": "q"}', "a.jsonl", kind="script")[0] == "check_missing"
    assert problem('{"prompt": "q"}', "a.jsonl", kind="essay")[0] == "task_kind_unknown"
    assert problem('{"prompt": "q"}', "a.jsonl", language="fr")[0] in ("task_kind_unclear", "task_language")
    latin = "text,label\ncafé,x\nnaïve,y\n".encode("latin-1")
    assert problem(latin, "a.csv") == ("task_encoding", 2)


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big.csv").write_text("question,answer\n" + "a,b\n" * 100)
    monkeypatch.setattr(rows, "SIZE_LIMIT", 200)
    for path, code in (
        (tmp_path / "none.csv", "task_missing"),
        (tmp_path, "task_no_file"),
        (tmp_path / "big.csv", "task_too_large"),
    ):
        with pytest.raises(R1Error) as caught:
            load_task(path)
        assert caught.value.code == code


def test_a_python_file_is_read_and_never_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("NAME = 'mine'\nCASES = [{'prompt': 'Say hi', 'word': 'hi'}]\nraise SystemExit\n" + CHECK)
    task = load_task(path)
    assert (task.kind, task.name, task.cases[0].given["word"], "def check" in task.script) == (
        "script",
        "mine",
        "hi",
        True,
    )
    (tmp_path / "t.yaml").write_text("task: {kind: script, script: mine.py}\ncases: [{prompt: Say ho, word: ho}]\n")
    assert load_task(tmp_path / "t.yaml").script == path.read_text()
    assert problem("task: {kind: script, script: mine.py}\ncases: [{prompt: a}]\n", "t.yaml") == (
        "task_script_elsewhere",
        1,
    )
    assert (
        problem("task: {kind: script, script: ../mine.py}\ncases: [{prompt: a}]\n", "t.yaml")[0]
        == "task_script_elsewhere"
    )
    assert problem("CASES = [f()]\n" + CHECK, "m.py") == ("task_no_literal", 1)
    assert problem(CHECK, "m.py")[0] == "task_no_literal_cases"
    assert problem("CASES = []\n", "m.py")[0] == "task_no_check"
    assert problem("def check(:", "m.py") == ("task_python", 1)


# Recorded answers

ASKED = Task("t", "qa", "en", (Case("1", "Q one", given={"question": "one"}), Case("2", "Q two"), Case("3", "Q three")))


def test_recorded_answers_are_found_by_id_or_prompt(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        {"id": 2, "answer": "<think>hm</think>B", "seconds": 1.5, "completion_tokens": 9},
        {"prompt": "one", "response": "A"},
        {"id": "9", "answer": "of another task"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    found = recorded(path, ASKED)
    assert [(a.case, a.text, a.reasoning, a.seconds, a.completion_tokens, a.first) for a in found] == [
        ("1", "A", "", 0, 0, None),
        ("2", "B", "hm", 1.5, 9, None),
    ]


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        ([{"id": 1, "answer": "a"}, {"id": 1, "answer": "b"}], "answers_twice", 2),
        ([{"id": 1}], "answers_no_text", 1),
        ([{"answer": "a"}], "answers_no_case", 1),
        ([{"id": 7, "answer": "a"}], "answers_unmatched", None),
        ([{"id": 1, "answer": "a", "seconds": -1}], "answers_number", 1),
        ([{"id": 1, "answer": "a", "ttft": "soon"}], "answers_number", 1),
        ([{"id": 1, "answer": {"a": 1}}], "task_value", 1),
    ],
)
def test_mistakes_in_recorded_answers(lines: list[dict[str, object]], code: str, line: int | None) -> None:
    with pytest.raises(R1Error) as caught:
        parse_recorded("\n".join(map(json.dumps, lines)).encode(), "a.jsonl", ASKED)
    assert (caught.value.code, caught.value.values.get("line")) == (code, line)
    assert caught.value.sentence("zh")


# What ships


@pytest.mark.parametrize("name", [name for name in seeds() if not name.startswith(("long-4k", "long-32k"))])
def test_a_seed_scores_its_own_answers_as_right(name: str) -> None:
    task = seeds()[name]
    assert task.name == name and name.endswith(f"-{task.language}") and task.kind in KINDS
    assert len(task.cases) >= 12
    main = metrics_of(task)[0]
    for case in task.cases:
        said = ", ".join(ways[-1] for ways in case.terms) or (case.answers[0] if case.answers else "")
        if main.case and task.kind != "summary":
            assert main.case(case, Answer(case.id, said)) == 1, case.id
            assert main.case(case, Answer(case.id, "?")) == 0
        assert task.kind != "rubric" or (task.rubric and case.points)
        if task.kind == "classification":
            assert label_said(case.answers[0], task.labels) == case.answers[0]
        if task.kind == "maths":
            assert case.steps and maths.steps_shown(case, Answer(case.id, f"\\boxed{{{case.answers[0]}}}")) < 1
        if task.kind == "terms":  # a question does not give its answer away
            assert (
                terms.said(case, Answer(case.id, case.given["question" if "question" in case.given else "问题"])) == 0
            )


@pytest.mark.parametrize(
    ("size", "longer", "lang"),
    [("512", 512, "en"), ("512", 512, "zh"), ("4k", 4_096, "en"), ("4k", 4_096, "zh"), ("32k", 32_768, "zh")],
)
def test_long_documents_are_as_long_as_they_say(size: str, longer: int, lang: Language) -> None:
    path = Path(str(files("engine.comparing").joinpath("seeds", lang, f"long-{size}.yaml")))
    asked = yaml.safe_load(path.read_text(encoding="utf-8"))["task"]["generate"]
    first, again = (long_cases({**asked, "cases": 2}, lang)[0] for _ in range(2))
    assert first == again and f"long-{size}-{lang}" in seeds()
    assert longer < tokenizers.count("deepseek-v3", first.prompt) < 1.4 * longer
    assert all(first.prompt.count(str(code)) >= 1 for code, _ in first.terms)
    places = first.given["places"]
    assert len(places) == 3 and all(first.prompt.count(place) == 2 for place in places)


def test_an_unknown_task_is_told_with_those_that_ship() -> None:
    for spec, said in (("qa-enn", "qa-en"), ("mine.csv", "check the path"), ("folder/qa", "check the path")):
        with pytest.raises(R1Error, match=said):
            load_task(Path(spec))


# Tasks of lm-eval


def told(*cases: tuple[str, list[str], str]) -> dict[str, object]:
    return {
        "name": "t",
        "description": "About.",
        "cases": [{"question": q, "choices": c, "answers": [a]} for q, c, a in cases],
    }


def test_tasks_of_lm_eval_are_asked_for_as_text() -> None:
    letters = harness.read_told(told(("Sky?", ["blue", "red"], "blue"), ("Grass?", ["pink", "green", "red"], "green")))
    assert (letters.kind, letters.labels, letters.name) == ("classification", ("A", "B", "C"), "lm-eval:t")
    assert [case.answers for case in letters.cases] == [("A",), ("B",)]
    assert (
        letters.cases[1].prompt
        == "About.\n\nGrass?\n\nA. pink\nB. green\nC. red\n\nAnswer with one of these only: A, B, C."
    )
    same = harness.read_told(told(("Warm?", ["yes", "no"], "yes"), ("Cold?", ["yes", "no"], "no")))
    assert (same.labels, same.cases[1].answers) == (("yes", "no"), ("no",))
    sums = harness.read_told(told(("1+1?", [], "It is\n#### 2")))
    assert (sums.kind, sums.cases[0].answers) == ("maths", ("2",))


def test_lm_eval_is_asked_beside_and_its_absence_told() -> None:
    with pytest.raises(R1Error) as caught:
        load_task(Path("lm-eval:no_such_task_anywhere"))
    assert caught.value.code == ("task_lm_eval_unknown" if find_spec("lm_eval") else "task_lm_eval_missing")
