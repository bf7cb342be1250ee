"""What is asked of a model, from what was said; and what was taken for granted."""

from __future__ import annotations

from engine.constraints.record import Constraints, Task
from engine.identification import Said
from engine.sized import Workload

_CONTEXT, _PROMPT, _OUTPUT = 8192, 1000, 1000
"""Tokens where nothing was said. Judged: a question with some documents, and an answer with its thinking."""
_DOCUMENTS: frozenset[Task] = frozenset(("legal", "research", "summarization", "translation", "extraction"))
"""Tasks whose prompts fill most of the context that is asked for. Judged."""
_SERVED: frozenset[Task] = frozenset(("customer-service", "agent"))
_SERVED_AT_ONCE = 8
"""Requests in flight of a service for customers, where nobody said. Judged."""


def workload_of(constraints: Constraints) -> tuple[Workload, tuple[Said, ...]]:
    """The workload, and a sentence for each figure that was assumed."""
    assumed = []
    if constraints.context is None:
        context = max(_CONTEXT, int((constraints.prompt or 0) + (constraints.output or 0)))
        assumed.append(Said("assumed.context", {"context_tokens": context}))
    else:
        context = int(constraints.context)
    prompt, output = _tokens(constraints, context)
    if constraints.prompt is None or constraints.output is None:
        assumed.append(Said("assumed.request", {"prompt_tokens": prompt, "output_tokens": output}))
    if constraints.concurrency is None:
        concurrency = _SERVED_AT_ONCE if constraints.task in _SERVED else 1
        assumed.append(Said("assumed.concurrency", {"count": concurrency}))
    else:
        concurrency = max(1, round(constraints.concurrency))
    return Workload(prompt, output, concurrency, context), tuple(assumed)


def _tokens(constraints: Constraints, context: int) -> tuple[int, int]:
    """Prompt and output of a usual request, inside the context."""
    filled = constraints.task in _DOCUMENTS and constraints.context is not None
    output = int(constraints.output or min(_OUTPUT, max(1, context // 4)))
    usual = context - output if filled else min(_PROMPT, context - output)
    prompt = int(constraints.prompt or max(1, usual))
    return prompt, output
