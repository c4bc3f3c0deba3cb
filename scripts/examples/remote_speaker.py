"""A conversation whose replies sound on another machine, which was paired under the name given here.

Once: `supervisor pair kitchen-pi --roles speaker` here, `supervisor join -` there. Then, in any order:
    there: supervisor start ~/.config/antiphon/device.toml
    here:  python scripts/examples/remote_speaker.py kitchen-pi
"""

import asyncio
import sys
from typing import Any

from actors import ConversationError, GoogleRealtimeSession

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


async def main(device: str, **gate: Any) -> int:
    """Talk until /quit. The device may come and go meanwhile. `gate` is the table of that name in a configuration."""
    speaker = {"kind": "speaker", "on": device}
    config = {"model": {"provider": "auto"}, "actors": {f"{device}-speaker": speaker}, "gate": gate}
    try:
        await GoogleRealtimeSession(model_name=MODEL, config=config).start()
    except ConversationError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "kitchen-pi")))
