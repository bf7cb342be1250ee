"""Sizing held against what was published: ``throughput`` for speed, ``memory`` for sizes.

``measurements.json`` is gpustack's performance lab (its documentation, Apache-2.0), ``points`` reads it, ``predicting`` asks
sizing about it, ``fitting`` sets the constants.
"""
