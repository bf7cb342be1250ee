"""The command that serves a choice can be pasted: every flag follows from the option's numbers, and nothing is made up."""

from __future__ import annotations

import shlex
from dataclasses import replace

import yaml

from engine.catalog import load_family
from engine.choosing.checkpoints import GGUF, gguf_checkpoint, official_repo, ollama_tag, plain_checkpoint
from engine.choosing.serving import command
from engine.constraints.record import Constraints
from engine.hardware import load_hardware
from engine.identification import Command, Option
from engine.sized import Layout, Workload
from engine.sizing import quantizations, size_option
from engine.text import say

VARIANTS = {entry.id: entry for entry in load_family("deepseek-r1").variants if entry.kind in ("full", "distilled")}
DEVICES = load_hardware()
ASKED = Constraints(context=8192, concurrency=8)


def option(variant: str, quantization: str, device: str, count: int, engine: str | None = None) -> Option:
    entry = VARIANTS[variant]
    sizing = size_option(
        entry, quantization, DEVICES[device], count, Workload(concurrency=8, context=8192), engine=engine
    )
    kind = "full" if entry.kind == "full" else "distilled"
    return Option(variant, dict(entry.title), kind, sizing, quality=50.0, benchmarks={}, score=0.0)


def laid(entry: Option, **layout: int) -> Option:
    return replace(entry, sizing=replace(entry.sizing, layout=Layout(**layout)))


def lines(made: Command) -> list[list[str]]:
    return [shlex.split(line) for line in made.text.splitlines()]


def flags(made: Command, line: int = 0) -> dict[str, str | None]:
    """Each flag of a line with what follows it, unless that is a flag too."""
    words = lines(made)[line]
    return {
        word: following if following is not None and not following.startswith("-") else None
        for word, following in zip(words, [*words[1:], None], strict=True)
        if word.startswith("-")
    }


def codes(made: Command) -> set[str]:
    return {note.code for note in made.notes}


def test_the_full_model_on_eight_h200_is_served_by_vllm_as_its_makers_published_it() -> None:
    chosen = option("DeepSeek-R1-0528", "fp8", "h200", 8, "vllm")
    made = command(chosen, ASKED)
    assert made.engine == "vllm" and lines(made)[0][:3] == ["vllm", "serve", "deepseek-ai/DeepSeek-R1-0528"]
    given = flags(made)
    assert given["--tensor-parallel-size"] == str(chosen.sizing.layout.tensor)
    assert given["--max-model-len"] == "8192" and given["--max-num-seqs"] == "8"
    assert given["--reasoning-parser"] == "deepseek_r1" and given["--host"] == "127.0.0.1"
    assert "--quantization" not in given and "serving.example" not in codes(made)


def test_the_memory_share_is_what_sizing_counted_on() -> None:
    chosen = option("R1-Distill-Qwen-32B", "awq-int4", "rtx-4090", 2, "vllm")
    layout = chosen.sizing.layout
    share = float(flags(command(chosen, ASKED))["--gpu-memory-utilization"] or 0)
    counted = chosen.sizing.memory.capacity / (DEVICES["rtx-4090"].usable * 1e9 * layout.tensor * layout.pipeline)
    assert counted - 0.01 <= share <= counted + 1e-6


def test_requests_are_limited_only_where_somebody_said_how_many() -> None:
    chosen = option("R1-Distill-Qwen-32B", "bf16", "h100-sxm", 2, "vllm")
    assert "--max-num-seqs" not in flags(command(chosen, Constraints(context=8192)))
    served = laid(chosen, tensor=1, replicas=2)
    assert flags(command(served, Constraints(concurrency=9)))["--max-num-seqs"] == "5"


def test_the_context_is_what_was_asked_as_far_as_there_is_room() -> None:
    chosen = option("R1-Distill-Qwen-32B", "bf16", "h100-sxm", 2, "vllm")
    assert flags(command(chosen, Constraints(context=32768)))["--max-model-len"] == "32768"
    tight = replace(chosen, sizing=replace(chosen.sizing, max_context=5000))
    assert flags(command(tight, Constraints(context=32768)))["--max-model-len"] == "5000"


def test_experts_over_devices_are_asked_for() -> None:
    chosen = option("DeepSeek-R1", "fp8", "h200", 8, "vllm")
    spread = command(laid(chosen, tensor=8, expert=8), ASKED)
    cut = command(laid(chosen, tensor=8), ASKED)
    assert "--enable-expert-parallel" in flags(spread) and "--enable-expert-parallel" not in flags(cut)
    sglang = replace(chosen, sizing=replace(chosen.sizing, engine="sglang"))
    assert flags(command(laid(sglang, tensor=8, expert=8), ASKED))["--ep-size"] == "8"


def test_two_machines_get_a_line_each() -> None:
    chosen = laid(option("DeepSeek-R1", "fp8", "h100-sxm", 16, "vllm"), tensor=8, pipeline=2, nodes=2)
    made = command(chosen, ASKED)
    head, worker = flags(made, 0), flags(made, 1)
    assert len(lines(made)) == 2 and head["--nnodes"] == worker["--nnodes"] == "2"
    assert (head["--node-rank"], worker["--node-rank"]) == ("0", "1")
    assert "--headless" in worker and "--headless" not in head
    assert head["--pipeline-parallel-size"] == "2" and "serving.nodes_vllm" in codes(made)
    sglang = command(replace(chosen, sizing=replace(chosen.sizing, engine="sglang")), ASKED)
    assert [flags(sglang, rank)["--node-rank"] for rank in (0, 1)] == ["0", "1"]
    assert flags(sglang)["--tp-size"] == "8" and flags(sglang)["--pp-size"] == "2"
    assert flags(sglang)["--reasoning-parser"] == "deepseek-r1"


def test_replicas_are_one_command_each_behind_a_balancer() -> None:
    made = command(laid(option("R1-Distill-Qwen-7B", "bf16", "h100-sxm", 4, "vllm"), replicas=4), ASKED)
    assert len(lines(made)) == 1
    (note,) = (note for note in made.notes if note.code == "serving.replicas")
    assert note.values == {"count": 4, "devices": 1}


def test_cards_before_ampere_compute_in_half_precision() -> None:
    assert flags(command(option("R1-Distill-Qwen-7B", "bf16", "t4", 4, "vllm"), ASKED))["--dtype"] == "half"
    assert "--dtype" not in flags(command(option("R1-Distill-Qwen-7B", "bf16", "l4", 2, "vllm"), ASKED))


def test_llama_cpp_gets_the_context_of_all_slots_together() -> None:
    made = command(option("R1-Distill-Qwen-32B", "Q4_K_M", "rtx-4090", 2, "llama.cpp"), ASKED)
    given = flags(made)
    assert made.engine == "llama.cpp" and lines(made)[0][0] == "llama-server"
    assert given["-hf"] == "unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF:Q4_K_M"
    assert (given["-c"], given["-np"], given["-ngl"]) == (str(8 * 8192), "8", "99")
    assert given["--temp"] == "0.6" and given["--top-p"] == "0.95" and "serving.slots" in codes(made)


def test_without_a_gpu_nothing_is_offloaded() -> None:
    made = command(option("R1-Distill-Qwen-32B", "Q4_K_M", "epyc-9654-768gb", 1, "llama.cpp"), ASKED)
    assert flags(made)["-ngl"] == "0"


def test_ollama_gets_its_settings_and_its_own_tag() -> None:
    made = command(option("R1-Distill-Qwen-32B", "Q4_K_M", "rtx-4090", 2, "ollama"), ASKED)
    serve, run = lines(made)
    assert serve[-2:] == ["ollama", "serve"] and run == ["ollama", "run", "deepseek-r1:32b-qwen-distill-q4_K_M"]
    assert {"OLLAMA_HOST=127.0.0.1:11434", "OLLAMA_CONTEXT_LENGTH=8192", "OLLAMA_NUM_PARALLEL=8"} <= set(serve)
    other = command(option("R1-Distill-Qwen-32B", "Q5_K_M", "rtx-4090", 2, "ollama"), ASKED)
    assert lines(other)[1][-1] == "hf.co/unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF:Q5_K_M"


def test_what_ollama_cannot_load_is_served_by_llama_cpp_and_said_so() -> None:
    made = command(option("DeepSeek-R1", "UD-IQ1_S", "h200", 2, "ollama"), ASKED)
    assert made.engine == "llama.cpp" and "serving.other_engine" in codes(made)


def test_files_that_come_in_parts_are_not_for_ollama() -> None:
    assert command(option("R1-Distill-Llama-70B", "Q6_K", "h200", 1, "ollama"), ASKED).engine == "llama.cpp"
    assert command(option("R1-Distill-Llama-70B", "Q5_K_M", "h200", 1, "ollama"), ASKED).engine == "ollama"


def test_mlx_serves_on_a_mac() -> None:
    made = command(option("DeepSeek-R1", "mlx-4bit", "m3-ultra-512gb", 1, "mlx"), ASKED)
    assert lines(made) == [["mlx_lm.server", "--model", "mlx-community/DeepSeek-R1-4bit", "--host", "127.0.0.1", "--port", "8080"]]  # fmt: skip
    assert {"serving.mlx", "serving.example", "serving.sampling"} <= codes(made)


def test_ascend_is_served_with_its_plug_in_and_mindie_gets_the_same_numbers() -> None:
    for engine in ("mindie", "vllm"):
        chosen = laid(option("DeepSeek-R1", "int8", "ascend-910b", 16, engine), tensor=8, pipeline=2, nodes=2)
        made = command(chosen, ASKED)
        assert made.engine == "vllm-ascend" and lines(made)[-1][2] == "vllm-ascend/DeepSeek-R1-W8A8"
        assert (
            flags(made, 2)["--quantization"] == "ascend" and flags(made, 2)["--distributed-executor-backend"] == "ray"
        )
        (note,) = (note for note in made.notes if note.code == "serving.mindie")
        assert (note.values["world"], note.values["tokens"]) == (16, 8192)
    distill = command(option("R1-Distill-Llama-70B", "int8", "ascend-910b", 8, "mindie"), ASKED)
    assert "serving.convert" in codes(distill)


def test_other_peoples_int4_on_ascend_needs_a_recent_plug_in_and_is_no_weights_for_mindie() -> None:
    made = command(option("DeepSeek-R1-0528", "awq-int4", "ascend-910b", 8, "vllm"), ASKED)
    assert "serving.ascend_recent" in codes(made) and "serving.mindie" not in codes(made)


def test_data_parallel_attention_is_asked_for_and_limits_are_of_each_rank() -> None:
    chosen = laid(option("DeepSeek-R1", "fp8", "h200", 8, "vllm"), tensor=8, expert=8, attention=8)
    given = flags(command(chosen, replace(ASKED, concurrency=200)))
    assert given["--data-parallel-size"] == "8" and given["--max-num-seqs"] == "25"
    assert "--tensor-parallel-size" not in given and "--enable-expert-parallel" in given
    sglang = replace(chosen, sizing=replace(chosen.sizing, engine="sglang"))
    given = flags(command(sglang, replace(ASKED, concurrency=200)))
    assert (given["--tp-size"], given["--dp-size"], given["--max-running-requests"]) == ("8", "8", "200")
    assert "--enable-dp-attention" in given


def test_int8_of_the_full_model_is_served_by_what_loads_it() -> None:
    made = command(option("DeepSeek-R1", "int8", "a100-80gb", 16, "vllm"), ASKED)
    assert made.engine == "sglang" and flags(made)["--quantization"] == "w8a8_int8"
    assert "serving.other_engine" in codes(made)


def test_a_distill_without_published_fp8_weights_is_quantised_as_it_loads() -> None:
    for engine in ("vllm", "sglang"):
        made = command(option("R1-0528-Qwen3-8B", "fp8", "rtx-4090", 1, engine), ASKED)
        assert flags(made)["--quantization"] == "fp8" and "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B" in lines(made)[0]
        assert "serving.online" in codes(made)


def test_phones_and_other_makers_devices_get_what_is_different_there() -> None:
    phone = command(option("R1-Distill-Qwen-1.5B", "Q4_K_M", "snapdragon-8-gen-3-16gb", 1, "llama.cpp"), ASKED)
    assert flags(phone)["-ngl"] == "0" and "serving.phone" in codes(phone)
    amd = command(option("DeepSeek-R1", "fp8", "mi300x", 8, "vllm"), ASKED)
    assert "serving.build" in codes(amd) and "serving.phone" not in codes(amd)
    assert "serving.build" not in codes(command(option("DeepSeek-R1", "fp8", "h200", 8, "vllm"), ASKED))


def test_a_server_that_must_stay_inside_is_told_how() -> None:
    chosen = option("R1-Distill-Qwen-32B", "Q4_K_M", "rtx-4090", 2, "llama.cpp")
    assert "serving.offline" not in codes(command(chosen, ASKED))
    assert "serving.offline" in codes(command(chosen, replace(ASKED, privacy="on-premise")))


def every_command() -> list[tuple[Option, Command]]:
    """Each variant in each quantisation by each server that reads it, on a device that has that server."""
    made = []
    for variant in VARIANTS:
        for kind in quantizations().values():
            for engine in kind.engines:
                device = {"mlx": "m3-ultra-512gb", "mindie": "ascend-910b"}.get(engine, "h200")
                chosen = option(variant, kind.id, device, 8, engine)
                if not any(note.code in ("no_such_weights", "no_engine") for note in chosen.sizing.notes):
                    chosen = replace(chosen, sizing=replace(chosen.sizing, engine=engine))
                    made.append((chosen, command(chosen, replace(ASKED, privacy="on-premise"))))
    return made


def test_every_command_is_safe_to_paste_listens_here_only_and_says_how_to_ask() -> None:
    made = every_command()
    assert len(made) > 150
    for chosen, found in made:
        for line in found.text.splitlines():
            assert shlex.join(shlex.split(line)) == line
            assert not set(line) & set("$`;|&><\n"), line
        assert "127.0.0.1" in found.text and "0.0.0.0" not in found.text
        assert ("serving.sampling_0528" if "0528" in chosen.variant else "serving.sampling") in codes(found)


def test_every_note_is_said_in_both_languages() -> None:
    for _, found in every_command():
        for note in found.notes:
            for lang in ("en", "zh"):
                assert say(f"recommendation.{note.code}", lang, **note.values)


def test_whatever_is_not_official_is_called_an_example_or_must_be_made() -> None:
    official = {repo for entry in VARIANTS.values() for repo in entry.repos}
    for chosen, found in every_command():
        named = any(repo in lines(found)[-1] for repo in official)
        from_ollama = any(word.startswith("deepseek-r1:") for line in lines(found) for word in line)
        told = (
            codes(found) & {"serving.example", "serving.convert", "serving.modelscope"}
            or "mlx_lm.convert" in found.text
        )
        assert named or from_ollama or told, (chosen.variant, chosen.sizing.quantization, found.text)


def test_official_weights_are_the_catalogs() -> None:
    assert official_repo("DeepSeek-R1") == "deepseek-ai/DeepSeek-R1"
    assert plain_checkpoint("DeepSeek-R1", "fp8").name == "deepseek-ai/DeepSeek-R1"
    assert plain_checkpoint("R1-Distill-Qwen-7B", "bf16").name == "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    assert official_repo("a-variant-of-ones-own") == "a-variant-of-ones-own"


def test_what_nobody_converted_comes_with_the_command_that_does() -> None:
    made = plain_checkpoint("a-variant-of-ones-own", "mlx-4bit")
    assert made.convert == (f"mlx_lm.convert --hf-path a-variant-of-ones-own -q --q-bits 4 --mlx-path {made.name}",)
    assert gguf_checkpoint("a-variant-of-ones-own", "Q4_K_M").made
    assert ollama_tag("a-variant-of-ones-own", "Q4_K_M") is None


def test_every_gguf_quantisation_of_sizing_is_known_to_be_one() -> None:
    assert {kind.id for kind in quantizations().values() if kind.kind == "gguf"} == set(GGUF)


def test_the_file_of_checkpoints_names_variants_and_quantisations_that_exist() -> None:
    from importlib.resources import files

    text = files("engine.choosing").joinpath("checkpoints.yaml").read_text(encoding="utf-8")
    for variant, known in yaml.safe_load(text)["variants"].items():
        assert variant in VARIANTS
        assert set(known) <= {*quantizations(), "gguf", "ollama", "ascend-int8"}
        assert set(known["ollama"]) <= set(quantizations())
