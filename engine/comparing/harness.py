"""Tasks of EleutherAI's lm-eval, by name, where it is installed and their data are in the local cache.

lm-eval is asked in a process of its own that may not reach the Hub: it imports much, and nothing is downloaded unasked.
Models are asked for text here, so tasks that need log-likelihoods of whole documents cannot be run; where lm-eval scores
choices by likelihood, the model is asked to name one.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.comparing.records import Case, Kind, Language, Task
from engine.errors import UsageError

PREFIX = "lm-eval:"
MOST_CASES = 1_000  # the first ones; far fewer tell two models apart
_SECONDS = 600.0
_CUE = re.compile(r"\s*\b(?:answer|答案)\s*[:：]\s*$", re.IGNORECASE)  # what base models are to go on from
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def harness_task(name: str, *, folder: Path | None = None) -> Task:
    """The task that lm-eval knows as ``name``, such as ``gsm8k``: its first 1,000 cases.

    Args:
        folder: of task files in lm-eval's own format, besides those that it ships.

    Raises:
        UsageError: lm-eval or the data are not at hand, there is no such task, or it is not one of questions and answers.
    """
    command = [sys.executable, "-m", __name__, name, str(folder or "")]
    try:
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, **_OFFLINE}, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError("task_lm_eval_slow", name=name, seconds=int(_SECONDS)) from error
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise UsageError("task_lm_eval_data", name=name, problem=(last or ["?"])[0][:200]) from error
    if "code" in told:
        raise UsageError(str(told["code"]), name=name, problem=str(told.get("problem", "")))
    return read_told(told)


def read_told(told: Mapping[str, Any]) -> Task:
    """A task from what the other process tells: ``name``, ``description`` and ``cases`` with question, choices and answers.

    Raises:
        UsageError: it has no cases.
    """
    if not told["cases"]:
        raise UsageError("task_lm_eval_data", name=told["name"], problem="no cases")
    from engine.comparing.guessing import guessed_language

    language = guessed_language([case["question"] for case in told["cases"]])
    kind, labels = _kind(told["cases"])
    cases = tuple(
        _case(number, case, kind, labels, told.get("description", ""), language)
        for number, case in enumerate(told["cases"], 1)
    )
    return Task(f"{PREFIX}{told['name']}", kind, language, cases, labels)


def _kind(cases: Sequence[Mapping[str, Any]]) -> tuple[Kind, tuple[str, ...]]:
    """Choices make a classification, by the choices themselves where all cases have the same, else by letters."""
    if all(case["choices"] for case in cases):
        every = {tuple(case["choices"]) for case in cases}
        most = max(map(len, every))
        return "classification", tuple(every.pop()) if len(every) == 1 else tuple(string.ascii_uppercase[:most])
    marked = all("####" in answer for case in cases for answer in case["answers"])
    return ("maths" if marked else "qa"), ()


_ASK: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "classification": "Answer with one of these only: {labels}.",
        "qa": "Answer as briefly as possible, with the answer only.",
        "maths": "Solve this step by step, and give the final result in \\boxed{{}}.",
    },
    "zh": {
        "classification": "只回答其中一项：{labels}。",
        "qa": "请尽可能简短地回答，只写答案。",
        "maths": "请逐步解题，并把最终结果写在 \\boxed{{}} 中。",
    },
}


def _case(
    number: int, case: Mapping[str, Any], kind: Kind, labels: tuple[str, ...], description: str, language: Language
) -> Case:
    choices, answers = tuple(case["choices"]), tuple(case["answers"])
    listed = ""
    if kind == "classification" and choices != labels:
        letters = dict(zip(choices, labels, strict=False))
        listed = "\n".join(f"{letter}. {choice}" for choice, letter in letters.items())
        answers = tuple(letters[answer] for answer in answers)
    if kind == "maths":
        answers = tuple(answer.rpartition("####")[2].strip() for answer in answers)
    ask = _ASK[language][kind].format(labels=", ".join(labels[: len(choices)]))
    parts = [description.strip(), case["question"].strip(), listed, ask]
    return Case(str(number), "\n\n".join(filter(None, parts)), answers, given=case)


def _tell(name: str, folder: str) -> dict[str, Any]:
    """In the other process: what ``read_told`` reads, or the code of an error."""
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        return {"code": "task_lm_eval_missing", "problem": error.name or ""}
    known = TaskManager(include_path=folder or None)
    if name not in known.all_subtasks:
        return {"code": "task_lm_eval_unknown"}
    try:
        task = known.load_task_or_group(name)[name]
        kind = str(task.get_config("output_type"))
        if kind not in ("multiple_choice", "generate_until"):
            return {"code": "task_lm_eval_kind", "problem": kind}
        docs = task.test_docs() if task.has_test_docs() else task.validation_docs()
        cases = list(_told(task, itertools.islice(docs, MOST_CASES), kind == "multiple_choice"))
    except Exception as error:  # whatever lm-eval, a data set's reader or a task's own code raises
        problem = str(error).strip().splitlines()[:1] or [type(error).__name__]
        return {"code": "task_lm_eval_data", "problem": problem[0][:200]}
    return {"name": name, "description": str(task.get_config("description") or ""), "cases": cases}


def _told(task: Any, docs: Iterator[Any], choosing: bool) -> Iterator[dict[str, Any]]:
    for doc in docs:
        question, target = task.doc_to_text(doc), task.doc_to_target(doc)
        choices = [str(choice).strip() for choice in task.doc_to_choice(doc)] if choosing else []
        if not isinstance(question, str):
            raise TypeError("the question depends on the answer")
        targets = target if isinstance(target, list) else [target]
        answers = [choices[one] if choosing and isinstance(one, int) else str(one).strip() for one in targets]
        question = _CUE.sub("", question)
        yield {"question": question, "choices": choices, "answers": answers}


if __name__ == "__main__":
    print(f"\n{json.dumps(_tell(sys.argv[1], sys.argv[2]))}")
