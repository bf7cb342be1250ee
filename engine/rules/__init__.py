"""Scenario rules: data that says which kind of model a deployment calls for, and what to beware of."""

from engine.rules.applying import Ruling as Ruling
from engine.rules.applying import apply_rules as apply_rules
from engine.rules.loading import load_rules as load_rules
