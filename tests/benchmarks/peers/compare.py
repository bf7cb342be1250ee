"""Every method on the same endpoints over the same server, and ours: one table.

Each method gets an arena of its own, freshly started from the same seed, so that no method's requests change what
another one sees; it records its references from the trusted endpoint of every model the arena has (ours: of the
family's variants, the only ones it can record), which is not charged. Requests and tokens are those that the arena served, in true tokens, since many endpoints hide or fake them.
Endpoints are taken one after another; a method may ask one endpoint several things at once, as it would in use.

An endpoint that mixes two models is told right by "mixed", or, by a method that has no such word, by finding that it
is none of the references ("other" and no variant).
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from arena import Arena, Served, disguised, honest, trusted
from arena.models import MODELS

import engine
from engine.catalog import load_family
from engine.errors import R1Error
from engine.targets.endpoint import THOROUGH, Budget, parse_endpoint
from peers import asking, mmd, rut, token_counting
from peers.guess import Guess

Identify = Callable[[str, str], Guess]
"""From the URL of an endpoint and the name of its model."""
PEERS: dict[str, ModuleType] = {
    "MMD (Model Equality Testing)": mmd,
    "RUT": rut,
    "token counts": token_counting,
    "asking": asking,
}
OURS = {"ours, quick": Budget(), "ours, quick, no references": Budget(), "ours, thorough": THOROUGH}
_COLUMNS = (
    "right",
    "sure & wrong",
    "unsure & wrong",
    "inconclusive",
    "requests",
    "prompt tok",
    "compl. tok",
    "seconds",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint as one method saw it; ``tally`` is what the server counted."""

    served: Served
    guess: Guess
    tally: dict[str, int]

    @property
    def right(self) -> bool:
        """Whether the outcome is the true one."""
        if self.served.truth != "mixed":
            return self.guess.outcome == self.served.truth
        return self.guess.outcome in ("mixed", "other") and self.guess.variant is None


def main() -> int:
    options = _options()
    population = [*honest(options.seed, options.honest), *disguised(options.seed, options.disguised)]
    kinds = ["honest"] * options.honest + [
        "mixed" if s.truth == "mixed" else "disguised" for s in population[options.honest :]
    ]
    print(f"seed {options.seed}: {options.honest} honest and {options.disguised} disguised endpoints, "
          f"{kinds.count('mixed')} of these mixed; medians of cost")  # fmt: skip
    print(f"{'method':29} {'population':10} {'n':>4} " + " ".join(f"{name:>14}" for name in _COLUMNS))
    chosen = [
        name for name in (*PEERS, *OURS) if not options.methods or any(name.startswith(m) for m in options.methods)
    ]
    for name in chosen:
        rows = list(run(name, population, options.references))
        for kind in ("honest", "disguised", "mixed"):
            _print(name, kind, [row for row, other in zip(rows, kinds, strict=True) if other == kind])
        _print(name, "all hidden", rows[options.honest :])
        if options.log:
            _log(options.log, name, rows)
    return 0


def run(name: str, population: Sequence[Served], kept: Path | None) -> Iterator[Row]:
    """A method over the whole population."""
    references = {variant: trusted(variant) for variant in MODELS}
    with Arena([*population, *references.values()]) as arena, ExitStack() as stack:
        endpoints = {variant: (arena.url(served), arena.model(served)) for variant, served in references.items()}
        started = time.perf_counter()
        identify = stack.enter_context(_prepared(name, endpoints, kept))
        print(f"  {name}: references ready after {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for number, served in enumerate(population, 1):
            guess = identify(arena.url(served), arena.model(served))
            if number % 20 == 0:
                print(f"  {name}: {number}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
            yield Row(served, guess, arena.tally(served))


@contextmanager
def _prepared(name: str, endpoints: dict[str, tuple[str, str]], kept: Path | None) -> Iterator[Identify]:
    """The method, with its references recorded."""
    if name in PEERS:
        method = PEERS[name]
        with httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_connections=16)) as client:
            references = _kept(kept, method.__name__, partial(method.record, client, endpoints))
            # Half-recorded references would be another method's defeat.
            assert all(client.get(url.rpartition("/")[0] + "/none").status_code == 404 for url, _ in endpoints.values())
            yield lambda url, model: method.identify(client, url, model, references)
        return
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = []
        recorded = {variant.id for variant in load_family("deepseek-r1").variants if "no references" not in name}
        for number, (variant, (url, model)) in enumerate(endpoints.items()):
            if variant not in recorded:
                continue
            record = partial(engine.record_reference, parse_endpoint(f"{url}#{model}"), variant)
            files.append(Path(folder) / f"{number}.json")
            files[-1].write_text(json.dumps(_kept(kept, f"ours.{variant}", record)), "utf-8")
        yield partial(_ours, files, OURS[name])


def _ours(files: Sequence[Path], budget: Budget, url: str, model: str) -> Guess:
    started = time.perf_counter()
    spec = f"{url}#{model}"
    try:
        found = engine.identify(spec, endpoint=parse_endpoint(spec), budget=budget, reference_files=files)
    except R1Error:
        return Guess("inconclusive", None, False, 0, 0, 0, time.perf_counter() - started)
    verdict, cost = found.verdict, found.target.cost
    variant = None if verdict.outcome == "mixed" else verdict.variant or verdict.title
    return Guess(verdict.outcome, variant, verdict.grade == "confident",
                 cost.requests, cost.prompt_tokens, cost.completion_tokens, time.perf_counter() - started)  # fmt: skip


def _kept(folder: Path | None, name: str, record: Callable[[], object]) -> object:
    """What was recorded, from the folder where an earlier run left it there."""
    if folder is None:
        return record()
    path = folder / f"{name}.pickle"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(record()))
    return pickle.loads(path.read_bytes())


def _print(name: str, kind: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    unsettled = [row.guess.outcome == "inconclusive" for row in rows]
    wrong = [row for row, open_ in zip(rows, unsettled, strict=True) if not row.right and not open_]
    sure = sum(row.guess.confident for row in wrong)
    shares = (sum(row.right for row in rows), sure, len(wrong) - sure, sum(unsettled))
    costs = (
        statistics.median(row.tally["requests"] for row in rows),
        statistics.median(row.tally["prompt_tokens"] for row in rows),
        statistics.median(row.tally["completion_tokens"] for row in rows),
    )
    cells = [*(f"{share / len(rows):14.1%}" for share in shares), *(f"{cost:14,.0f}" for cost in costs),
             f"{statistics.median(row.guess.seconds for row in rows):14.2f}"]  # fmt: skip
    print(f"{name:29} {kind:10} {len(rows):4} " + " ".join(cells), flush=True)


def _log(path: Path, name: str, rows: Sequence[Row]) -> None:
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            guess = row.guess
            print(name, row.served.id, row.served.variant, row.served.truth, row.served.stack.name, guess.outcome,
                  guess.variant, "sure" if guess.confident else "unsure", "right" if row.right else "WRONG",
                  [type(disguise).__name__ for disguise in row.served.disguises], row.tally, sep="\t", file=file)  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--honest", type=int, default=60)
    parser.add_argument("--disguised", type=int, default=120)
    parser.add_argument("--methods", nargs="*", help="only those whose names begin so")
    parser.add_argument("--references", type=Path, help="folder to keep references in between runs")
    parser.add_argument("--log", type=Path, help="file to add one line an endpoint to")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
