"""Hub ids, through the real huggingface_hub client and a Hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer

from engine.samples import published, write_checkpoint, write_gguf

CHILD = """
import json, sys, engine
from engine.errors import R1Error
try:
    found = engine.identify(sys.argv[1])
    print(json.dumps({"outcome": found.verdict.outcome, "variant": found.verdict.variant, "check": found.verdict.claim_check,
        "grade": found.verdict.grade, "revision": found.target.revision, "name": found.target.name,
        "tensors": found.target.tensor_count, "findings": [f.code for f in found.target.findings]}))
except R1Error as error:
    print(json.dumps({"error": error.code, "sentence": str(error)}))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    root = tmp_path_factory.mktemp("hub")
    write_checkpoint(published("R1-Distill-Qwen-7B"), root / "deepseek-ai" / "DeepSeek-R1-Distill-Qwen-7B")
    write_checkpoint(published("R1-Distill-Qwen-32B"), root / "vendor" / "DeepSeek-R1")
    folder = root / "quants" / "DeepSeek-R1-Distill-Llama-8B-GGUF"
    folder.mkdir(parents=True)
    for quant in ("Q4_K", "Q8_0"):
        write_gguf(published("R1-Distill-Llama-8B"), folder / f"DeepSeek-R1-Distill-Llama-8B-{quant}.gguf", quant=quant)
    broken = write_checkpoint(published("R1-Distill-Qwen-14B"), root / "vendor" / "broken")
    sorted(broken.glob("*.safetensors"))[2].unlink()
    (root / "vendor" / "empty").mkdir()
    (root / "vendor" / "empty" / "notes.txt").write_text("nothing")
    with HubServer(root) as server:
        yield server


@pytest.fixture(autouse=True)
def _calm(hub: HubServer) -> None:
    hub.refuse_next, hub.ignore_range, hub.html = 0, False, False
    hub.gated.clear()


def identify(hub: HubServer, tmp_path: Path, spec: str, **environment: str) -> dict:
    """In a process of its own: huggingface_hub reads its settings once, on import."""
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "", **environment}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, spec], env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_repository_is_identified_by_ranges_alone(hub: HubServer, tmp_path: Path) -> None:
    sent = hub.bytes_sent
    found = identify(hub, tmp_path, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    assert (found["outcome"], found["variant"], found["check"]) == ("distilled", "R1-Distill-Qwen-7B", "holds")
    assert found["revision"] == hub.commit("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    assert "tokenizer_head_only" in found["findings"]
    assert hub.bytes_sent - sent < 1_000_000


def test_a_renamed_distill_on_the_hub_is_caught(hub: HubServer, tmp_path: Path) -> None:
    found = identify(hub, tmp_path, "vendor/DeepSeek-R1")
    assert (found["outcome"], found["variant"], found["check"]) == (
        "distilled",
        "R1-Distill-Qwen-32B",
        "misrepresented",
    )


def test_a_revision_and_a_page_url_are_understood(hub: HubServer, tmp_path: Path) -> None:
    name = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    assert identify(hub, tmp_path, f"{name}@v1")["variant"] == "R1-Distill-Qwen-7B"
    assert identify(hub, tmp_path, f"https://huggingface.co/{name}/tree/main")["variant"] == "R1-Distill-Qwen-7B"
    assert identify(hub, tmp_path, f"{name}@none-such")["error"] == "hub_revision"


def test_a_gguf_repository_offers_its_sets(hub: HubServer, tmp_path: Path) -> None:
    name = "quants/DeepSeek-R1-Distill-Llama-8B-GGUF"
    found = identify(hub, tmp_path, name)
    assert found["variant"] == "R1-Distill-Llama-8B" and "several_sets" in found["findings"]
    assert identify(hub, tmp_path, f"{name}:Q4_K")["variant"] == "R1-Distill-Llama-8B"
    assert identify(hub, tmp_path, f"{name}:Q3_K")["error"] == "weights_not_found"


def test_tokens_open_gates_and_never_leave_the_endpoint(hub: HubServer, tmp_path: Path) -> None:
    hub.gated.add("vendor/DeepSeek-R1")
    hub.tokens_on_cdn.clear()
    assert identify(hub, tmp_path, "vendor/DeepSeek-R1")["error"] == "hub_gated"
    assert identify(hub, tmp_path, "vendor/DeepSeek-R1", HF_TOKEN=hub.token)["variant"] == "R1-Distill-Qwen-32B"
    assert hub.tokens_on_cdn == []


def test_what_was_fetched_once_is_not_fetched_again_and_serves_offline(hub: HubServer, tmp_path: Path) -> None:
    name = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    assert identify(hub, tmp_path, name, HF_HUB_OFFLINE="1")["error"] == "hub_offline"
    code = f"from huggingface_hub import hf_hub_download as d; [d({name!r}, f) for f in ('config.json', 'tokenizer.json', 'README.md')]"
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **settings}, check=True, capture_output=True)
    found = identify(hub, tmp_path, name, HF_HUB_OFFLINE="1")
    assert found["name"] == name and found["grade"] != "confident"


def test_a_busy_hub_is_waited_for(hub: HubServer, tmp_path: Path) -> None:
    hub.refuse_next = 3
    assert identify(hub, tmp_path, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")["variant"] == "R1-Distill-Qwen-7B"


def test_a_mirror_that_ignores_ranges_is_cut_off(hub: HubServer, tmp_path: Path) -> None:
    hub.ignore_range = True
    sent = hub.bytes_sent
    identify(hub, tmp_path, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    assert hub.bytes_sent - sent < 50_000_000


@pytest.mark.parametrize(
    ("spec", "code"),
    [("nobody/nothing", "hub_not_found"), ("vendor/broken", "shards_missing"), ("vendor/empty", "nothing_readable")],
)
def test_what_cannot_be_read_gets_a_sentence(hub: HubServer, tmp_path: Path, spec: str, code: str) -> None:
    assert identify(hub, tmp_path, spec)["error"] == code


def test_a_mirror_that_is_no_hub_gets_a_sentence(hub: HubServer, tmp_path: Path) -> None:
    hub.html = True
    assert identify(hub, tmp_path, "vendor/DeepSeek-R1")["error"] in ("hub_no_api", "hub_refused")


def test_no_network_gets_a_sentence(hub: HubServer, tmp_path: Path) -> None:
    found = identify(hub, tmp_path, "vendor/DeepSeek-R1", HF_ENDPOINT="http://127.0.0.1:1")
    assert found["error"] == "hub_unreachable"
