"""Run by hand: a few raw requests to a few endpoints, and whether the counts are what the real tokenizers say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

import published_tokenizers

from arena import Arena, Served, disguised, trusted
from arena.disguises import Mixed, Rechunked, Recounted, Renamed

TEXT = "apple\n人工智能299792458"
REPEAT = "apple\nRepeat the text between the two lines of dashes exactly, and nothing else.\n-----\n299792458人工智能6022140760\n-----"


def main() -> int:
    r1, distill = trusted("DeepSeek-R1"), trusted("R1-Distill-Qwen-32B")
    hidden = (Renamed("deepseek-r1"), Recounted("deepseek-r1", as_r1=True), Rechunked("sizes", 8))
    recounted = Served(1, 0, "R1-Distill-Qwen-32B", "distilled", distill.stack, "deepseek-r1", hidden)
    mixture = Served(2, 0, "DeepSeek-R1", "mixed", r1.stack, "deepseek-r1", (Mixed("R1-Distill-Qwen-7B", 0.5),))
    people = [r1, distill, recounted, mixture, *disguised(1, 4)]
    with Arena(people) as arena, httpx.Client(trust_env=False, timeout=30) as client:
        for served in people:
            print(f"\n== {served.variant} as {served.name} on {served.stack.name}, {served.truth}: {served.disguises}")
            print("   listing:", client.get(f"{arena.root(served)}/v1/models").text[:200])
            for label, fields in (
                ("short", {"max_tokens": 12}),
                ("bias", {"max_tokens": 2, "logit_bias": {"9000": 100}}),
            ):
                print(f"   {label}:", ask(client, arena, served, TEXT, **fields))
            print(
                "   logprobs:", str(ask(client, arena, served, TEXT, max_tokens=2, logprobs=True, top_logprobs=2))[:300]
            )
            print("   repeat:", ask(client, arena, served, REPEAT, max_tokens=64))
            print("   tally:", arena.tally(served))
        return check(client, arena, r1, distill, mixture)


def ask(client: httpx.Client, arena: Arena, served: Served, prompt: str, **fields: Any) -> Any:
    """A streamed chat; its pieces, counts and end."""
    body = {"model": served.name, "messages": [{"role": "user", "content": prompt}], "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}, **fields}  # fmt: skip
    response = client.post(f"{arena.root(served)}/v1/chat/completions", json=body)
    if response.status_code != 200:
        return response.status_code, response.text[:160]
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    choices = [choice for event in events for choice in event.get("choices", ())]
    pieces = [
        text for choice in choices for text in (choice.get("delta") or {}).values() if text and text != "assistant"
    ]
    counts = next((event["usage"] for event in events if event.get("usage")), None)
    odds = [choice["logprobs"] for choice in choices if choice.get("logprobs")]
    return pieces, counts, choices[-1].get("finish_reason") if choices else events, *odds


def check(client: httpx.Client, arena: Arena, r1: Served, distill: Served, mixture: Served) -> int:
    """Counts against the published tokenizers, computed here from the templates' text."""
    wrong = 0
    for served, name in ((r1, "deepseek-r1"), (distill, "r1-distill-qwen")):
        words = published_tokenizers.load(name)
        prompt = f"<｜begin▁of▁sentence｜><｜User｜>{TEXT}<｜Assistant｜><think>\n"
        true = len(words.encode(prompt, add_special_tokens=False).ids)
        pieces, counts, _ = ask(client, arena, served, TEXT, max_tokens=12)
        wrote = len(words.encode("".join(pieces), add_special_tokens=False).ids)
        forced = ask(client, arena, served, TEXT, max_tokens=2, logit_bias={"9000": 100})[0]
        expected = words.decode([9000])
        print(f"\n{name}: prompt {counts['prompt_tokens']}, tokenizer {true}; wrote {counts['completion_tokens']},"
              f" tokenizer {wrote}; forced {forced}, tokenizer {expected!r}")  # fmt: skip
        wrong += counts["prompt_tokens"] != true or counts["completion_tokens"] != wrote or forced != [expected] * 2
    seen = {
        ask(client, arena, mixture, f"{number}\n299792458", max_tokens=1)[1]["prompt_tokens"] for number in range(20)
    }
    print("mixture: prompt tokens seen", seen)
    return int(wrong or len(seen) < 2)


if __name__ == "__main__":
    raise SystemExit(main())
