"""Both ways to authenticate: a Gemini API key, or a service account for Vertex AI.

python scripts/examples/authentication.py                          # asks for a key
python scripts/examples/authentication.py service-account.json
"""

import asyncio
import getpass
import sys

from actors import ConversationError, GoogleRealtimeSession

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


def make_session() -> GoogleRealtimeSession:
    """Use Vertex AI if there is a file, Google Gen AI if there is none."""
    if len(sys.argv) > 1:
        return GoogleRealtimeSession(model_name=MODEL, credentials_path=sys.argv[1])
    return GoogleRealtimeSession(model_name=MODEL, api_key=getpass.getpass("Gemini API key: "))


async def main() -> int:
    """Talk until /quit; say what was wrong with the credentials."""
    try:
        await make_session().start()
    except (ConversationError, ValueError) as error:
        print(f"That did not work: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
