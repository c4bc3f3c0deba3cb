"""What the one-process rivals ask of the model: the real SDK, the same configuration for both."""

import os

from google import genai
from google.genai import types

CONFIG: types.LiveConnectConfigDict = {
    "response_modalities": [types.Modality.AUDIO],
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "context_window_compression": {"sliding_window": {}},
}


def client() -> genai.Client:
    """Make the SDK's client; `peers.variables` say for which server."""
    return genai.Client(api_key=os.environ["GOOGLE_API_KEY"], vertexai=False)
