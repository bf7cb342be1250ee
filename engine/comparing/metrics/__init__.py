"""What an answer is worth: by kind of task, and what it is like (the article's features, section 4.1)."""

from __future__ import annotations

from engine.comparing.metrics.metric import Metric
from engine.comparing.metrics.of_task import metrics_of
from engine.comparing.metrics.omissions import omitted

__all__ = ["Metric", "metrics_of", "omitted"]
