"""What a deployment must meet: given by name and value, or said in English or Chinese."""

from engine.constraints.reading import Reading, read_text
from engine.constraints.record import Constraints, Installed
from engine.constraints.settling import implied, settle
from engine.constraints.values import from_stated, parse_constraints

__all__ = ["Constraints", "Installed", "Reading", "from_stated", "implied", "parse_constraints", "read_text", "settle"]
