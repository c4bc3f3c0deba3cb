"""A conversation by keyboard and screen: the original's "basic usage".

export GOOGLE_API_KEY=…          # without it the embedded parrot answers
python scripts/examples/basic.py
"""

import asyncio

from actors import GoogleRealtimeSession

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


async def main() -> None:
    """Talk until /quit."""
    session = GoogleRealtimeSession(model_name=MODEL, config={"model": {"provider": "auto"}})
    await session.start()


if __name__ == "__main__":
    asyncio.run(main())
