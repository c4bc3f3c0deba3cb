"""The user's functions, offered to the model and run in processes of their own. For them: `from actors.model.tools import tool`."""

from actors.model.tools.mark import tool

__all__ = ["tool"]
