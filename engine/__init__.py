"""The identification engine: models, what they are, which to run. Knows no Slack, no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from engine.backends import Backend, Device
    from engine.behaviour.records import Behaviour, Check, Watched
    from engine.catalog.schema import Family
    from engine.comparing.records import Answered, Comparison, Task
    from engine.identification import Identification, OnProgress, Recommendation
    from engine.sized import Sizing
    from engine.targets.endpoint import Budget, Endpoint
    from engine.verdict import Verdict

__version__ = "0.1.0"
__all__ = ["check", "compare", "devices", "identify", "recommend", "recompute", "record_reference", "size"]


def identify(
    spec: str,
    *,
    family: str = "deepseek-r1",
    constraints: Mapping[str, Any] | None = None,
    scenario: str = "",
    family_files: Iterable[Path] = (),
    rule_files: Iterable[Path] = (),
    hardware_files: Iterable[Path] = (),
    reference_files: Iterable[Path] = (),
    endpoint: Endpoint | None = None,
    budget: Budget | None = None,
    thorough: bool = False,
    backend: Backend | None = None,
    on_progress: OnProgress | None = None,
) -> Identification:
    """Say what the model at ``spec`` is, and whether the full or a distilled model suits ``constraints``.

    Args:
        spec: Hub id (``org/name[@revision]``), checkpoint directory, ``.safetensors``, ``.gguf``, or the URL of
            an endpoint (``https://host/v1#model``).
        family: catalog family whose variants are the hypotheses.
        constraints: deployment constraints by name, see ``recommend``.
        scenario: free words (en/zh) about the deployment.
        family_files, rule_files, hardware_files: the user's own YAML, added to what ships.
        reference_files: what trusted endpoints and checkpoints showed, see ``record_reference``.
        endpoint: the endpoint that ``spec`` is a name of, with its key.
        budget: what questions to an endpoint may cost at most, and whether these go on after the verdict.
        thorough: open a checkpoint's weights: take their fingerprint, and run the model.
        backend: where that happens, see ``engine.backends``; ``None``: on this machine's devices.
        on_progress: called before and after each step, from this thread.

    Raises:
        R1Error: with a sentence for the user; nothing else escapes on bad input.
    """
    from engine.pipeline import identify as run

    return run(
        spec,
        family=family,
        constraints=constraints or {},
        scenario=scenario,
        family_files=tuple(family_files),
        rule_files=tuple(rule_files),
        hardware_files=tuple(hardware_files),
        reference_files=tuple(reference_files),
        endpoint=endpoint,
        budget=budget,
        thorough=thorough,
        backend=backend,
        on_progress=on_progress,
    )


def recommend(
    constraints: Mapping[str, Any] | None = None,
    *,
    scenario: str = "",
    rule_files: Iterable[Path] = (),
    hardware_files: Iterable[Path] = (),
    family_files: Iterable[Path] = (),
    verdict: Verdict | None = None,
) -> Recommendation:
    """Which model to run, in which quantisation, on what: by the scenario rules, and by sizing.

    Args:
        constraints: by the names of ``engine.constraints.Constraints``, or their other names in English and Chinese,
            with values as people type them: ``{"hardware": "2x4090", "ttft": "1s"}``.
        scenario: free words (en/zh) about the deployment; constraints win over them.
        verdict: what a model is that is there already, so that it is said what that means.

    Raises:
        UsageError: a constraint is unknown, makes no sense or contradicts another; the sentence names it.
        CatalogError: a file is invalid; the sentence names file and line.
    """
    from engine.choosing.recommending import recommend as run

    return run(
        constraints or {},
        scenario=scenario,
        rule_files=tuple(rule_files),
        hardware_files=tuple(hardware_files),
        family_files=tuple(family_files),
        verdict=verdict,
    )


def size(
    model: str,
    hardware: str = "",
    *,
    quantization: str | None = None,
    constraints: Mapping[str, Any] | None = None,
    family_files: Iterable[Path] = (),
    hardware_files: Iterable[Path] = (),
) -> tuple[Sizing, ...]:
    """What a model takes, and how it runs.

    Args:
        model: catalog id, an alias such as ``deepseek-r1:32b``, or a target, whose config is read.
        hardware: such as ``8xH200``; without it each quantisation is put on the smallest usual purchase that fits.
        quantization: one of ``engine.sizing.quantizations()``; else all that run there.
        constraints: ``context``, ``prompt``, ``output`` and ``concurrency``, as ``recommend`` takes them.

    Raises:
        UsageError: a model, hardware, quantisation or figure is unknown or makes no sense.
        TargetError: the target cannot be read.
    """
    from engine.choosing.sizes import sizes

    return sizes(
        model,
        hardware,
        quantization=quantization,
        given=constraints or {},
        family_files=tuple(family_files),
        hardware_files=tuple(hardware_files),
    )


def recompute(
    stored: Identification,
    *,
    family: Family | None = None,
    family_files: Iterable[Path] = (),
    reference_files: Iterable[Path] = (),
) -> Identification:
    """The verdict that stored observations give under today's catalog; the target is not touched.

    Args:
        family: the version of the family to go by, instead of the one in use.

    Raises:
        R1Error: the family of the stored verdict is no longer there.
    """
    from engine.pipeline import recompute as run

    return run(stored, family=family, family_files=tuple(family_files), reference_files=tuple(reference_files))


def record_reference(
    target: Endpoint | str,
    variant: str,
    *,
    family_files: Iterable[Path] = (),
    budget: Budget | None = None,
    backend: Backend | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """What a target that somebody vouches for shows, as a JSON-able reference: answers of an endpoint; of a
    checkpoint's weights a fingerprint, and what a forward pass shows.

    Args:
        variant: catalog id of what it is vouched to be.
        budget: what an endpoint may be asked.
        backend: where weights are opened.

    Raises:
        UsageError: the catalog has no such variant.
        TargetError: the target cannot be asked or read, or showed too little.
    """
    if isinstance(target, str):
        from engine.weights.recording import record_weights

        return record_weights(target, variant, family_files=family_files, backend=backend, on_progress=on_progress)
    from engine.recording import record

    return record(target, variant, budget=budget, on_progress=on_progress)


def check(
    endpoint: Endpoint,
    watched: Watched | None = None,
    *,
    reference: Behaviour | None = None,
    budget: Budget | None = None,
    on_progress: OnProgress | None = None,
) -> Check:
    """Ask an endpoint a little, and say whether it still is what it was; the first time, find what to ask.

    Args:
        watched: what the check before came to; ``None`` for the first, which asks more.
        reference: how a trusted endpoint behaves, to be compared with too.
        budget: what it may spend at most; a quiet check takes two requests and less than 200 tokens.

    Raises:
        TargetError: the endpoint cannot be asked; what is remembered stays as it was.
    """
    from engine.behaviour.checking import check as run

    return run(endpoint, watched, reference=reference, budget=budget, on_progress=on_progress)


def compare(
    a: str | Endpoint,
    b: str | Endpoint,
    task: Task,
    *,
    gap: float | None = None,
    budget: int | None = None,
    concurrency: int | None = None,
    temperature: float | None = None,
    prices: Mapping[str, tuple[float, float]] | None = None,
    cache: Path | None = None,
    judge: str | Endpoint | None = None,
    on_progress: Callable[[Answered], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    seed: int = 0,
) -> Comparison:
    """Put the same cases to two models, and say which of them does this work better, or that it is not known yet.

    Args:
        a, b: an endpoint, a checkpoint directory or GGUF file (served here for the time), or a ``.jsonl`` of answers.
        gap: the smallest difference of the main metric that matters; asking ends when it is shown or out of the question.
        budget: tokens that both models, and a judge, may cost together.
        concurrency: requests to each model at once; ``None``: as many as its endpoint takes.
        temperature: of sampling; ``None``: as R1's makers advise.
        prices: by side, for a million prompt and a million generated tokens.
        cache: a folder in which answers are kept, so that none is asked for twice.
        judge: who judges the answers of a task with a rubric.
        cancelled: asked now and then whether to end with what there is.
        seed: of the order of the cases.

    Raises:
        R1Error: one of the two cannot be asked at all, or the task cannot be scored.
    """
    from contextlib import ExitStack

    from engine.comparing.running import compare as run
    from engine.comparing.running import terms_of
    from engine.comparing.sides import opened

    terms = terms_of(
        gap=gap, budget=budget, concurrency=concurrency, temperature=temperature, prices=prices, seed=seed, cache=cache,
        on_progress=on_progress, cancelled=cancelled,
    )  # fmt: skip
    with ExitStack() as open_:
        first, second = (opened(one, task, open_) for one in (a, b))
        judging = opened(judge, task, open_) if judge is not None else None
        return run(first, second, task, judging, terms)


def devices(
    backend: Literal["local", "ray"] = "local",
    *,
    address: str = "",
    devices: str = "",
    memory_budget: int | None = None,
) -> tuple[Device, ...]:
    """The devices on which weights can be opened.

    Args:
        backend, address, devices: as in ``engine.backends.open_backend``.
        memory_budget: bytes that may be used of each, instead of what is found free.

    Raises:
        UsageError: there is no such device, or no cluster answers.
    """
    from engine.backends import open_backend

    opened = open_backend(backend, address=address, devices=devices, budget=memory_budget)
    try:
        return opened.devices()
    finally:
        opened.close()
