"""A conversation inside somebody's Python program: its tree is a process of its own that lives as long as the call."""
