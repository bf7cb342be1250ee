"""The arena: a population of simulated endpoints on loopback, honest and disguised, built on real tokenizers.

Real are the vocabularies, chat templates, token counts, cuts and pieces, and the HTTP. Simulated are the models'
words and knowledge, and the servers' and gateways' manners. Nothing here knows how it is judged.
"""

from arena.population import Served, disguised, honest, trusted
from arena.server import Arena

__all__ = ["Arena", "Served", "disguised", "honest", "trusted"]
