"""A conversation by voice and keyboard: the original's "custom IO streamers".

export GOOGLE_API_KEY=…          # without it the embedded parrot answers
python scripts/examples/voice.py
"""

import asyncio

from actors import (
    ConsoleOutputStreamer,
    GoogleRealtimeSession,
    KeyboardInputStreamer,
    LinuxMicInputStreamer,
    LinuxSpeakerOutputStreamer,
)

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


async def main() -> None:
    """Talk until /quit. With headphones, `"session": {"duplex": "headset"}` in `config` lets you interrupt by speaking."""
    session = GoogleRealtimeSession(model_name=MODEL, config={"model": {"provider": "auto"}})
    await session.start(
        input_streamers=[KeyboardInputStreamer(), LinuxMicInputStreamer()],
        output_streamers=[ConsoleOutputStreamer(), LinuxSpeakerOutputStreamer()],
    )


if __name__ == "__main__":
    asyncio.run(main())
