"""The peers, each run in an environment of its own: what all of them are told. Imports nothing of ours but this."""

import os

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
TEXT_ONLY = "BENCH_TEXT_ONLY"


def wants_sound() -> bool:
    """Say whether microphone and loudspeaker are to be used."""
    return TEXT_ONLY not in os.environ


def variables(base_url: str, ca_file: str) -> dict[str, str]:
    """Return what leads Google's SDK, in whichever program, to our server and makes it trust it."""
    return {"GOOGLE_GEMINI_BASE_URL": base_url, "SSL_CERT_FILE": ca_file}
