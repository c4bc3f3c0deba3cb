"""What the SDK builds when it first reads a kind of message is built before the model speaks."""

import subprocess
import sys

SCRIPT = """
from google.genai import types
from actors.model import google

def built():
    models = [each for each in vars(types).values() if isinstance(each, type) and hasattr(each, "model_rebuild")]
    return {model.__name__ for model in models if model.__pydantic_complete__}

part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}
google._learn_to_read()
before = built()
read = types.LiveServerMessage._from_response(response={"serverContent": {"modelTurn": {"parts": [part]}}}, kwargs={})
assert read.server_content.model_turn.parts[0].inline_data.data
print(sorted(built() - before))
"""


def test_the_first_sound_of_the_model_waits_for_nothing_to_be_built():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
