"""Where the one-process rivals find the model: two variables, the real SDK, the same configuration for both."""

import os
import ssl

from google import genai
from google.genai import types

URL = "BENCH_BASE_URL"
CA_FILE = "BENCH_CA_FILE"
MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"

CONFIG: types.LiveConnectConfigDict = {
    "response_modalities": [types.Modality.AUDIO],
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "context_window_compression": {"sliding_window": {}},
}


def client() -> genai.Client:
    """Make the SDK's client for the server that the environment names."""
    websocket = {"ssl": ssl.create_default_context(cafile=os.environ[CA_FILE]), "proxy": None}
    options = types.HttpOptions(base_url=os.environ[URL], api_version="v1beta", async_client_args=websocket)
    return genai.Client(api_key=os.environ["GOOGLE_API_KEY"], vertexai=False, http_options=options)
