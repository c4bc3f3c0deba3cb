"""A function the model may call. It runs in a process of its own: however slow it is, the voice goes on.

export GOOGLE_API_KEY=…
python scripts/examples/lamp.py          # then say, or type: switch the kitchen lamp on
"""

import asyncio
from typing import Any

from actors import GoogleRealtimeSession


def switch_lamp(room: str, is_on: bool) -> str:
    """Switch the lamp of a room.

    Args:
        room: as it is called in the house
        is_on: whether it shall be lit

    """
    return f"the lamp in the {room} is {'on' if is_on else 'off'}"


async def main(config: dict[str, Any]) -> None:
    """Talk until /quit."""
    session = GoogleRealtimeSession(
        "gemini-2.5-flash-native-audio-preview-12-2025", tools=[switch_lamp], config=config
    )
    await session.start()


if __name__ == "__main__":
    asyncio.run(main({"model": {"provider": "auto"}}))
