"""A task's own checks, a Python script or declared in its cases, run where they can do no harm."""

from engine.comparing.scripts.running import Isolation, ScriptProblem, isolation, require_declared, run_checks

__all__ = ["Isolation", "ScriptProblem", "isolation", "require_declared", "run_checks"]
