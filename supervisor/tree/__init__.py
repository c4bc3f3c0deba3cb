"""The tree of one conversation: started in order, watched, healed, stopped in reverse."""

from supervisor.tree.stopping import Outcome
from supervisor.tree.tree import ENDING_SIGNALS, Tree

__all__ = ["ENDING_SIGNALS", "Outcome", "Tree"]
