"""Every published signal and ours on the same pairs: AUC, seconds, megabytes, worst misses; teachers and students.

    python tests/benchmarks/lineage/compare.py [--root DIR] [--workers 2] [--shift N]
    python tests/benchmarks/lineage/compare.py --pool DIR DIR …    the scores kept of several zoos, as one

What is not there yet is trained first (about twelve minutes on two cores, once). Each checkpoint is read once by each
method (files are in the page cache), each pair compared once; one thread. "Cannot tell" counts as unrelated.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu

from engine.probes import lineage
from engine.targets.target import Target
from engine.weights import fingerprint
from engine.weights.anchors import renumbered
from engine.weights.store import TensorStore, open_store
from lineage import derive, zoo
from lineage.baselines import EXTRA, KIT_WEIGHTS, SIGNALS, kit_mean
from lineage.pairs import BEYOND, COPIES, Pair, pairs
from lineage.reading import Weights, vocabulary_of
from lineage.zoo import STUDENTS

OURS, KIT_MEAN = "ours", "the kit's weighted mean"
FITTED = "all seven, weights fitted to every second pair"
HELD_OUT = "all seven, weights fitted to other base models"
_WORST = 4


@dataclass
class Method:
    """One method on files: what it reads, how it compares, and what that cost."""

    name: str
    read: Callable[[Path, bool], tuple[Any, int]]
    score: Callable[[Any, Any], float]
    seconds: float = 0.0
    bytes_read: int = 0
    comparing: float = 0.0
    kept: dict[tuple[str, bool], Any] = field(default_factory=dict)

    def known(self, name: str, root: Path, as_target: bool) -> Any:
        """What it reads of a checkpoint, read once."""
        if (name, as_target) not in self.kept:
            path = derive.make(name, root)
            started = time.perf_counter()
            self.kept[name, as_target], read = self.read(path, as_target)
            self.seconds += time.perf_counter() - started
            self.bytes_read += read
        return self.kept[name, as_target]

    def of(self, target: str, reference: str, root: Path) -> float:
        """The score of a pair; NaN where it cannot tell."""
        one, two = self.known(target, root, True), self.known(reference, root, False)
        started = time.perf_counter()
        score = self.score(one, two)
        self.comparing += time.perf_counter() - started
        return score


def methods() -> list[Method]:
    """The published ones, then ours."""
    return [*(_published(signal) for signal in (*SIGNALS, *EXTRA)), Method(OURS, _our_read, _our_score)]


def _published(signal: Any) -> Method:
    def read(path: Path, as_target: bool) -> tuple[Any, int]:
        weights = Weights(path)
        try:
            return signal.read(weights), weights.bytes_read
        finally:
            weights.close()

    method = Method(signal.name, read, signal.score)
    method.known = lambda name, root, as_target: Method.known(method, name, root, True)  # type: ignore[method-assign]
    return method


@dataclass
class _Ours:
    """A checkpoint as the lineage probe takes it: as a reference every layer, as a target a few."""

    target: Target
    taken: fingerprint.Fingerprint


def _our_read(path: Path, as_target: bool) -> tuple[_Ours, int]:
    with open_store(str(path)) as store:
        taken = fingerprint.take_from(store, layers=fingerprint.LOOKED if as_target else None)
        return _Ours(store.target, taken), store.bytes_read


def related(target: _Ours, reference: _Ours) -> fingerprint.Relation:
    """What the lineage probe finds: the closer one of the tokens by id and, where they were renumbered, by text."""
    relation = fingerprint.compare(target.taken, reference.taken)
    moved = renumbered(target.target, [reference.taken.tokens])
    if moved is None:
        return relation
    with TensorStore(target.target) as store:
        again = fingerprint.take_from(store, layers=lineage.AGAIN, ids=moved)
    return max(relation, fingerprint.compare(again, reference.taken), key=lambda found: found.score)


def _our_score(target: _Ours, reference: _Ours) -> float:
    return related(target, reference).score


def auc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """Chance that a derived pair scores above an unrelated one."""
    told = np.nan_to_num(np.array(scores), nan=-1e9)
    mask = np.array(truth)
    return float(mannwhitneyu(told[mask], told[~mask]).statistic / (mask.sum() * (~mask).sum()))


def fitted(scores: Mapping[str, Sequence[float]], truth: Sequence[bool], learnt_from: np.ndarray) -> np.ndarray:
    """The best weighted mean of the seven signals: logistic regression with weights of at least zero, fitted to the
    pairs of ``learnt_from`` (mask), for all pairs."""
    columns = np.array([np.nan_to_num(np.array(scores[signal.name]), nan=0.0) for signal in SIGNALS]).T
    labels = np.array(truth, dtype=float)[learnt_from]

    def loss(weights: np.ndarray) -> float:
        logits = columns[learnt_from] @ weights[1:] + weights[0]
        return float(np.mean(np.logaddexp(0, logits) - labels * logits) + 1e-4 * weights[1:] @ weights[1:])

    bounds = [(None, None), *[(0, None)] * len(SIGNALS)]
    best: np.ndarray = minimize(loss, np.zeros(len(SIGNALS) + 1), bounds=bounds, method="L-BFGS-B").x
    return best[0] + columns @ best[1:]


def held_out(scores: Mapping[str, Sequence[float]], chosen: Sequence[Pair]) -> list[float]:
    """``fitted`` on half of the base models' pairs, used on the other half's, and the other way round: what the
    weights are worth on models they have not seen."""
    truth = [pair.derived for pair in chosen]
    bases = sorted({pair.target.split("+")[0] for pair in chosen})
    first = np.array([bases.index(pair.target.split("+")[0]) % 2 == 0 for pair in chosen])
    return list(np.where(first, fitted(scores, truth, ~first), fitted(scores, truth, first)))


def run(chosen: Sequence[Pair], root: Path) -> tuple[list[Method], dict[str, list[float]]]:
    """Every method on every pair."""
    for name in {name for pair in chosen for name in (pair.target, pair.reference)}:
        path = derive.make(name, root)
        for file in [path] if path.is_file() else path.iterdir():
            if file.is_file():
                file.read_bytes()
        vocabulary_of(path)  # token texts, by the reader of the published signals: on nobody's clock
    every = methods()
    scores = {method.name: [method.of(pair.target, pair.reference, root) for pair in chosen] for method in every}
    return every, scores


def table(every: Sequence[Method], scores: dict[str, list[float]], chosen: Sequence[Pair]) -> str:
    """AUC, cost, and the worst misses, as text."""
    truth = [pair.derived for pair in chosen]
    scores = with_means(scores, chosen)
    lines = [f"{len(chosen)} pairs: {sum(truth)} derived, {len(truth) - sum(truth)} unrelated", ""]
    lines += ["| method | AUC | lowest derived, highest unrelated | seconds reading | comparing | MB read |"]
    lines += ["|---|---|---|---|---|---|"]
    cost = {method.name: method for method in every}
    order = [*(signal.name for signal in SIGNALS), KIT_MEAN, FITTED, HELD_OUT, *(signal.name for signal in EXTRA), OURS]
    for name in order:
        spent = cost.get(name)
        told = f"{spent.seconds:.2f} | {spent.comparing:.2f} | {spent.bytes_read / 1e6:.0f}" if spent else "– | – | –"
        lines.append(f"| {name} | {auc(scores[name], truth):.4f} | {_margin(scores[name], truth)} | {told} |")
    seven = [cost[signal.name] for signal in SIGNALS]
    together, ours = sum(m.seconds + m.comparing for m in seven), cost[OURS].seconds + cost[OURS].comparing
    bytes_of_all = sum(m.bytes_read for m in seven)
    lines += [
        "",
        f"the seven together {together:.1f} s, {bytes_of_all / 1e6:.0f} MB; ours {ours:.1f} s, "
        f"{cost[OURS].bytes_read / 1e6:.0f} MB: {together / ours:.1f} times faster, "
        f"{bytes_of_all / max(1, cost[OURS].bytes_read):.1f} times fewer bytes",
        "",
        "Worst misses (derived with the lowest scores, unrelated with the highest):",
    ]
    for name in order:
        lines += _worst(name, scores[name], chosen)
    return "\n".join(lines)


def with_means(scores: Mapping[str, Sequence[float]], chosen: Sequence[Pair]) -> dict[str, list[float]]:
    """The scores, and those of the weighted means."""
    truth = [pair.derived for pair in chosen]
    rows = zip(*(scores[name] for name in KIT_WEIGHTS), strict=True)
    more = {name: list(values) for name, values in scores.items()}
    more[KIT_MEAN] = [kit_mean(dict(zip(KIT_WEIGHTS, row, strict=True))) for row in rows]
    more[FITTED] = list(fitted(scores, truth, np.arange(len(truth)) % 2 == 0))
    more[HELD_OUT] = held_out(scores, chosen)
    return more


def pooled(roots: Sequence[Path]) -> str:
    """AUC over the pairs of several zoos, from the scores that were kept there."""
    kept = [json.loads((root / "scores.json").read_text()) for root in roots]
    chosen = [Pair(*pair) for zoo_of in kept for pair in zoo_of["pairs"]]
    scores = with_means({name: [s for k in kept for s in k["scores"][name]] for name in kept[0]["scores"]}, chosen)
    truth = [pair.derived for pair in chosen]
    lines = [f"{len(chosen)} pairs of {len(roots)} zoos", "", "| method | AUC | lowest derived, highest unrelated |"]
    lines += ["|---|---|---|"]
    return "\n".join([*lines, *(f"| {n} | {auc(s, truth):.5f} | {_margin(s, truth)} |" for n, s in scores.items())])


def _margin(scores: Sequence[float], truth: Sequence[bool]) -> str:
    told, mask = np.array(scores), np.array(truth)
    return f"{np.nanmin(told[mask]):.3f}, {np.nanmax(told[~mask]):.3f}"


def _worst(name: str, scores: Sequence[float], chosen: Sequence[Pair]) -> list[str]:
    told = np.nan_to_num(np.array(scores), nan=-1e9)
    derived = sorted((score, pair) for score, pair in _of(told, chosen, True))[:_WORST]
    strangers = sorted(_of(told, chosen, False), reverse=True)[:_WORST]
    lines = [f"- {name}"]
    for label, rows in (("derived", derived), ("unrelated", strangers)):
        shown = (f"{score:.3f} {target} ~ {reference}" for score, (target, reference) in rows)
        lines.append(f"    {label}: {'; '.join(shown)}".replace("-1000000000.000", "cannot tell"))
    return lines


def _of(scores: np.ndarray, chosen: Sequence[Pair], derived: bool) -> list[tuple[float, tuple[str, str]]]:
    rows = zip(scores, chosen, strict=True)
    return [(float(score), (pair.target, pair.reference)) for score, pair in rows if pair.derived is derived]


def is_teacher(kind: str) -> bool:
    """Whether a relation says: these are the teacher's own weights, at most trained on or packed."""
    return kind in ("same", "tuned")


def students(every: Sequence[Method], root: Path) -> str:
    """Teachers' disguised copies against their students, told from weights alone."""
    ours = next(method for method in every if method.name == OURS)
    lines = ["| student of | started from | blocks | copies told | student told | copies' scores | student's |"]
    lines += ["|---|---|---|---|---|---|---|"]
    right, wrong, labels = 0, [], []
    versus: dict[str, list[float]] = {method.name: [] for method in every}
    for name, recipe in STUDENTS.items():
        reference = ours.known(recipe.teacher, root, False)
        copies = [f"{recipe.teacher}+{how}" for how in COPIES]
        told = {other: related(ours.known(other, root, True), reference) for other in [*copies, name]}
        good = sum(is_teacher(told[copy].kind) for copy in copies)
        apart = told[name].kind in ("resized", "akin", "unrelated")
        right += good == len(copies) and apart
        wrong += [f"{o} ~ {recipe.teacher}: {told[o].kind}" for o in copies if not is_teacher(told[o].kind)]
        wrong += [] if apart else [f"{name} ~ {recipe.teacher}: {told[name].kind} {told[name].score}"]
        scored = "–".join(f"{f(told[copy].score for copy in copies):.2f}" for f in (min, max))
        lines.append(
            f"| {recipe.teacher} | {recipe.start} | {recipe.depth} | {good} of {len(copies)} | {told[name].kind} "
            f"| {scored} | {told[name].score:.3f} |"
        )
        labels += [*[True] * len(copies), False]
        for method in every:
            versus[method.name] += [method.of(other, recipe.teacher, root) for other in [*copies, name]]
    lines += ["", f"{right} of {len(STUDENTS)} teacher/student pairs told right in every copy", *wrong, ""]
    lines += ["AUC of copies over students: " + ", ".join(f"{name} {auc(s, labels):.3f}" for name, s in versus.items())]
    return "\n".join(lines)


def prepare(chosen: Sequence[Pair], root: Path, workers: int, shift: int) -> None:
    """Make what the pairs need."""
    zoo.make_all(root, workers, shift)
    copies = [f"{recipe.teacher}+{how}" for recipe in STUDENTS.values() for how in COPIES]
    wanted = dict.fromkeys([*(pair.target for pair in chosen), *copies])
    # By source, so that no two processes make the same step on the way.
    by_source: dict[str, list[str]] = {}
    for name in wanted:
        by_source.setdefault(name.split("+")[0], []).append(name)
    with ProcessPoolExecutor(workers) as pool:
        for done in pool.map(_make_all, by_source.values(), [root] * len(by_source)):
            print(done, flush=True)


def _make_all(wanted: list[str], root: Path) -> str:
    started = time.perf_counter()
    for name in wanted:
        derive.make(name, root)
    return f"{time.perf_counter() - started:6.1f} s  {wanted[0].split('+')[0]}: {len(wanted)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=zoo.DEFAULT_ROOT)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shift", type=int, default=0, help="added to every seed; needs a root of its own")
    parser.add_argument("--pool", type=Path, nargs="+")
    given = parser.parse_args()
    if given.pool:
        sys.exit(print(pooled(given.pool)))
    everyone = list(pairs())
    prepare(everyone, given.root, given.workers, given.shift)
    ran, found = run(everyone, given.root)
    kept = {"pairs": [astuple(pair) for pair in everyone], "scores": found}
    (given.root / "scores.json").write_text(json.dumps(kept))
    print(table(ran, found, everyone), end="\n\n")
    print(students(ran, given.root), end="\n\n")
    print("Beyond what was asked for (lower than of strangers means: lost):")
    for pair in BEYOND:
        told = ", ".join(f"{m.name} {m.of(pair.target, pair.reference, given.root):.3f}" for m in ran)
        print(f"- {pair.how}, {pair.reference}: {told}")
