"""Real weights with known descent, and the published ways of telling it, on the same files.

``zoo`` trains or unpacks the checkpoints, ``derive`` makes others of them, ``pairs`` says who descends from whom,
``baselines`` are the published signals, ``compare`` prints the tables.
"""
