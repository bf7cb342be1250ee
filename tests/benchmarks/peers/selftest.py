"""Shows that the baselines are implemented fairly: on sources whose distributions are known, their p-values are uniform
when nothing differs, their power grows with samples, and each finds the right reference through a bad endpoint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent))

from peers import asking, mmd, rut, token_counting
from peers.toy import Manners, Source, served

TRIALS = 200
_KNOWN = 40
"""Completions a prompt of the rank test's reference under the null: fewer than in use, for time, since ranks are
uniform at any number. Power is shown at the number in use."""
_KS_LIMIT = stats.kstwo.ppf(0.999, TRIALS)


def main() -> int:
    checks = [
        uniform("MMD", lambda seed: mmd_p(seed, 0.0, 10)),
        uniform("RUT", lambda seed: rut_p(seed, 0.0, 100, _KNOWN)),
        growing("MMD", "samples a prompt", (2, 5, 10, 20), lambda seed, n: mmd_p(seed, 0.5, n) < mmd.ALPHA),
        growing("RUT", "prompts", (10, 25, 50, 100), lambda seed, n: rut_p(seed, 0.1, n) < rut.ALPHA),
        tokenizers(),
        endpoints(),
    ]
    print("\nPASS" if all(checks) else "\nshort of the bar")
    return not all(checks)


def uniform(name: str, p_of: Callable[[int], float]) -> bool:
    """p-values of a source against itself."""
    values = [p_of(seed) for seed in range(TRIALS)]
    distance = stats.kstest(values, "uniform").statistic
    rejected = np.mean(np.array(values) < 0.05)
    print(f"{name}: p-values under the null, {TRIALS} trials: KS distance from uniform {distance:.3f} "
          f"(99.9 % bound {_KS_LIMIT:.3f}), rejected at 0.05: {rejected:.1%}")  # fmt: skip
    return bool(distance < _KS_LIMIT)


def growing(name: str, what: str, sizes: Sequence[int], rejects: Callable[[int, int], bool]) -> bool:
    """Share of trials that tell two sources apart, by size."""
    power = [float(np.mean([rejects(seed, size) for seed in range(TRIALS // 4)])) for size in sizes]
    print(f"{name}: power by {what}: " + ", ".join(f"{n}: {p:.0%}" for n, p in zip(sizes, power, strict=True)))
    return power[-1] >= 0.9 and all(later >= earlier - 0.1 for earlier, later in pairwise(power))


def mmd_p(seed: int, drift: float, samples: int) -> float:
    """One test of the given size between a source and one that drifted from it."""
    one, other = _pair(seed, drift)
    prompts = [f"{seed} {index}" for index in range(25)]
    found = [[other.write(prompt) for _ in range(samples)] for prompt in prompts]
    known = [[one.write(prompt) for _ in range(mmd.REFERENCE_SAMPLES)] for prompt in prompts]
    return mmd.compare(found, known, 199, seed).p


def rut_p(seed: int, drift: float, prompts: int, known: int = rut.REFERENCE_SAMPLES) -> float:
    """One test over that many prompts."""
    one, other = _pair(seed, drift)
    asked = [f"{seed} {index}" for index in range(prompts)]
    reference = rut.reference_of([[one.write(prompt) for _ in range(known)] for prompt in asked])
    return rut.compare([other.write(prompt) for prompt in asked], reference, seed).p


def _pair(seed: int, drift: float) -> tuple[Source, Source]:
    first, second = np.random.default_rng(seed).spawn(2)
    return Source("one", 0.0, generator=first), Source("other", drift, generator=second)


def tokenizers() -> bool:
    """Every candidate's own counts must be nearest to itself, whatever the template adds."""
    found = {name: token_counting.fit([count + 11 for count in own])
             for name, own in token_counting.candidates().items()}  # fmt: skip
    right = [fit.tokenizers == {name} and fit.overhead == 11 for name, fit in found.items()]
    print(f"token counting: {sum(right)} of {len(right)} vocabularies found by their own counts")
    return all(right)


def endpoints() -> bool:
    """Every method, end to end, against endpoints that fail, hide usage or only stream."""
    variants = {
        "DeepSeek-R1": Manners(),
        "R1-Distill-Qwen-7B": Manners(tokenizer="qwen2.5", says="I'm DeepSeek-R1-Distill-Qwen-7B, by DeepSeek."),
        "Gemma-3-27B": Manners(tokenizer="gemma-3", says="I am Gemma, by Google."),
    }
    bad = ({"failing": 0.1}, {"only_streams": True}, {"usage": False})
    results = []
    with ExitStack() as stack, httpx.Client(timeout=30) as client:
        honest = {name: stack.enter_context(served(Source(name, 1.0), manners)) for name, manners in variants.items()}
        for method in (mmd, rut, token_counting, asking):
            references = method.record(client, honest)
            answers = []
            for name, trouble in zip(variants, bad, strict=True):
                manners = Manners(**{**vars(variants[name]), **trouble})
                with served(Source(name, 1.0), manners) as (url, model):
                    guess = method.identify(client, url, model, references)
                blind = method is token_counting and not manners.usage
                right = guess.outcome == ("inconclusive" if blind else token_counting.outcome_of(name))
                answers.append(f"{name} {trouble}: {guess.outcome} in {guess.requests}{'' if right else ' WRONG'}")
                results.append(right)
            print(f"{method.__name__.removeprefix('peers.')}: " + "; ".join(answers))
    return all(results)


if __name__ == "__main__":
    raise SystemExit(main())
