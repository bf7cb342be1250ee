"""Rules joined to the rest: a recommendation follows them, and an identified model is held against the kind that suits."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine


@pytest.mark.parametrize(
    ("constraints", "scenario", "choice", "rule"),
    [
        ({}, "research papers", "full", "long-text"),
        ({}, "legal contract review", "full", "detail-demands"),
        ({}, "we have a GPU cluster", "full", "ample-servers"),
        ({}, "8xH200", "full", "ample-servers"),
        ({}, "on mobile phones", "distilled", "mobile-or-embedded"),
        ({}, "real-time online customer service", "distilled", "real-time"),
        ({}, "an edge box with limited compute", "distilled", "limited-edge"),
        ({}, "法律合同审查", "full", "detail-demands"),
        ({}, "论文和长文档", "full", "long-text"),
        ({}, "服务器集群，算力充足", "full", "ample-servers"),
        ({}, "手机端应用", "distilled", "mobile-or-embedded"),
        ({}, "在线客服", "distilled", "real-time"),
        ({}, "边缘设备", "distilled", "limited-edge"),
        ({}, "部署在edge设备上", "distilled", "limited-edge"),
        ({"context": "32k"}, "", "full", "long-text"),
        ({"latency": "500ms"}, "", "distilled", "real-time"),
        ({"device": "embedded"}, "", "distilled", "mobile-or-embedded"),
        ({"detail": "high"}, "", "full", "detail-demands"),
        ({"memory": "48GB"}, "", "distilled", "weights-do-not-fit"),
        ({"memory": "1.1TB"}, "", "full", "ample-servers"),
    ],
)
def test_each_scenario_gets_the_articles_choice(
    constraints: dict[str, str], scenario: str, choice: str, rule: str
) -> None:
    advice = engine.recommend(constraints, scenario=scenario)
    assert (advice.choice, advice.hits[0].id) == (choice, rule)
    assert advice.hits[0].reason["en"] and advice.hits[0].reason["zh"] and advice.hits[0].source


def test_conflicting_rules_are_shown_and_settled_by_priority() -> None:
    advice = engine.recommend({"device": "edge"}, scenario="very long contracts")
    assert advice.conflict and advice.choice == "distilled"
    assert {hit.effect for hit in advice.hits} == {"full", "distilled"}


@pytest.mark.parametrize("scenario", ["not real-time", "no customer service", "不需要实时", "无需低延迟"])
def test_what_is_denied_does_not_count(scenario: str) -> None:
    assert engine.recommend(scenario=scenario).choice is None


def test_critical_business_is_told_to_test_first() -> None:
    advice = engine.recommend({"latency": "1s", "critical": "yes"})
    assert {"critical-business", "not-a-smaller-equivalent"} <= {hit.id for hit in advice.cautions}


def test_rules_of_ones_own_reach_the_recommendation(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    rule = "{id: real-time, effect: full, priority: 99, words: {en: [gpu]}, reason: {en: Ours, zh: 自家}, source: us}"
    path.write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    assert engine.recommend(scenario="gpu", rule_files=[path]).hits[0].reason["en"] == "Ours"


def test_an_identified_model_is_held_against_the_choice(samples: Path) -> None:
    path = str(samples / "DeepSeek-R1-Distill-Qwen-7B")
    assert engine.identify(path, scenario="customer service").recommendation.fits_target is True
    assert engine.identify(path, scenario="legal contracts").recommendation.fits_target is False
    assert engine.identify(path).recommendation.fits_target is None


def test_beside_an_identification_parameter_counts_alone_are_warned_of(samples: Path) -> None:
    advice = engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"), scenario="customer service").recommendation
    assert "never-by-parameter-count-alone" in {hit.id for hit in advice.cautions}
