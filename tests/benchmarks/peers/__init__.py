"""Published ways of telling which model an endpoint serves, as baselines: each module is one method.

Every module offers ``record(client, endpoints) -> References``, which samples honest endpoints beforehand and is not
charged to the method, as in the papers, and ``identify(client, url, model, references) -> Guess``. They are written
from the papers' descriptions; no code of theirs is used. Where a paper tests one reference and we have many, or
leaves something open, the module says what was chosen, always in the method's favour.
"""
