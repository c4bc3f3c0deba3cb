"""What the SDK itself says about a configuration, before anything connects. For `supervisor check`."""

from actors.model.google import live_config
from actors.runtime.exits import ActorExit
from actors.settings import ModelTable


def problems(table: ModelTable) -> list[str]:
    """Return every problem as `model.live.FIELD: what`, [] when the SDK takes it."""
    try:
        live_config(table, "")
    except ActorExit as refusal:
        return str(refusal).split("; ")
    return []
