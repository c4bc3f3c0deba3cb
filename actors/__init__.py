"""Antiphon's actors: every process of a conversation, and the Python API of the class it re-imagines."""
