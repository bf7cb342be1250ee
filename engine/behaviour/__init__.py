"""How an endpoint behaves at a few cheap prompts: found for each, asked in turn, compared with before."""

from __future__ import annotations
