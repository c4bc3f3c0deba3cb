"""What the SDK itself and the user's tools say about a configuration, before anything connects. For `supervisor check`."""

from actors.model.google import live_config
from actors.model.tools import check as tools
from actors.runtime.exits import ActorExit
from actors.settings import ModelTable


def problems(table: ModelTable) -> list[str]:
    """Return every problem as `model.live.FIELD: what` or `model.tools[N] (...): what`, [] when all is right."""
    try:
        live_config(table, "")
    except ActorExit as refusal:
        return str(refusal).split("; ")
    return tools.problems(table.tools)
