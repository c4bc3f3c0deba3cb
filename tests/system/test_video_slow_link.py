"""On a slow link pictures get small, and the voice does not have to wait for them."""

import secrets
import time

import numpy as np
from pictures import noise_jpeg
from services import parrot
from slow_link import slow_link
from trees import PATIENCE_S, tree, wait_for
from virtual_audio import speech_like, write_wav
from voices import DEAF, MIC_HZ, WAV_HEADER_BYTES, index_of, tell

CONFIG = """
[session]
name = "test"
duplex = "headset"
[model]
provider = "gemini"
base_url = "https://localhost:{port}"
ca_file = "{ca_file}"
{deaf}
[actors.keyboard]
[actors.console]
[actors.mic]
enabled = true
device = "file:{{directory}}/voice.wav"
[actors.camera]
enabled = true
device = "file:{{directory}}/street.jpg"
[supervision]
max_restarts = 10000
"""
LINK_BYTES_PER_S = 125_000
"""1 Mbit/s; the voice takes 0.4 of it."""
SPOKEN_S = 60
STREET = noise_jpeg((1024, 1024), quality=30)
"""As it is, it would take the link for 3 s."""


class Heard:
    """What of the voice is at the model, and when it came."""

    def __init__(self, path):
        self._path = path
        self.came = []

    def watch(self, seconds):
        """Look at the file for so long."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            n_samples = len(self.samples())
            if not self.came or self.came[-1][1] != n_samples:
                self.came.append((time.monotonic(), n_samples))
            time.sleep(0.01)

    def samples(self):
        data = self._path.read_bytes()[WAV_HEADER_BYTES:] if self._path.exists() else b""
        return np.frombuffer(data[: len(data) // 2 * 2], dtype=np.int16)

    def late_ms(self):
        """How much later than at its best the voice came: median and 99th percentile."""
        delays_s = np.array([came_s - n_samples / MIC_HZ for came_s, n_samples in self.came if n_samples])
        return [round(1000 * (np.percentile(delays_s, share) - delays_s.min())) for share in (50, 99)]


def test_on_a_link_of_1_mbit_the_voice_arrives_whole_and_in_time_beside_a_camera(tmp_path):
    key, spoken = secrets.token_hex(16), speech_like(SPOKEN_S, MIC_HZ)
    with parrot(key=key, keep_audio=str(tmp_path)) as model, slow_link(model.port, LINK_BYTES_PER_S) as port:
        config = CONFIG.format(port=port, ca_file=model.ca_file, deaf=DEAF)
        with tree(config, {"GOOGLE_API_KEY": key}) as conversation:
            (conversation.directory / "street.jpg").write_bytes(STREET)
            write_wav(conversation.directory / "voice.wav", spoken, MIC_HZ)
            conversation.start_ready()
            wait_for(lambda: model.journal.named("image"), f"a picture; {conversation.logs()}", PATIENCE_S)
            heard = Heard(tmp_path / "connection-1.wav")
            time.sleep(5)  # what was said before the connection was there is made up for
            heard.watch(6)
        sizes = [event["size_bytes"] for event in model.journal.named("image")]
    voice, (median_ms, p99_ms) = heard.samples(), heard.late_ms()
    tell(pictures=sizes, late_median_ms=median_ms, late_p99_ms=p99_ms)
    start = index_of(spoken, voice[:MIC_HZ])
    assert np.array_equal(voice, spoken[start : start + len(voice)]), "no sample is lost"
    assert len(voice) > 8 * MIC_HZ
    assert len(sizes) >= 4
    assert max(sizes) < 64_000
    assert p99_ms < 500, "with whole pictures the voice came up to 10 s late, and a quarter of it at all"
