"""WAV files as microphone and loudspeaker, and the watchdog every device has."""

import stat
import threading
import time
import wave

import numpy as np
import pytest

from actors.devices.audio import DeviceAbsent, DeviceError, Progress, open_input, open_output
from actors.devices.choice import ways_to_open


@pytest.fixture
def opened():
    devices = []
    yield lambda device: devices.append(device) or device
    for device in devices:
        device.close()


class Frames:
    """Keeps frames until enough have come."""

    def __init__(self, enough):
        self.pcm, self.captured_ns, self.enough, self.full = b"", [], enough, threading.Event()

    def __call__(self, pcm, captured_ns):
        self.pcm += pcm
        self.captured_ns.append(captured_ns)
        if len(self.captured_ns) == self.enough:
            self.full.set()


def write_wav(path, pcm, rate_hz=16_000, channels=1, width=2):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate_hz)
        out.writeframes(pcm)
    return f"file:{path}"


def hear(opened, device, enough, rate_hz=16_000):
    frames = Frames(enough)
    opened(open_input(device, rate_hz, 20, frames))
    assert frames.full.wait(10)
    return frames


def read_wav(path):
    with wave.open(str(path), "rb") as recorded:
        return recorded.getparams()[:3], recorded.readframes(recorded.getnframes())


def test_a_file_is_spoken_unchanged_and_followed_by_silence(tmp_path, opened):
    spoken = np.arange(1, 1601, dtype=np.int16).tobytes()
    frames = hear(opened, write_wav(tmp_path / "a.wav", spoken), enough=8)
    assert frames.pcm[:5120] == spoken + bytes(5120 - len(spoken))


def test_capture_times_of_a_file_are_exactly_one_frame_apart(tmp_path, opened):
    frames = hear(opened, write_wav(tmp_path / "a.wav", b""), enough=8)
    steps = np.diff(frames.captured_ns)
    assert max(abs(steps - 20_000_000)) < 1000


def test_a_file_takes_as_long_as_it_lasts(tmp_path, opened):
    before = time.monotonic()
    hear(opened, write_wav(tmp_path / "a.wav", bytes(16_000)), enough=25)
    assert time.monotonic() - before >= 0.499


def test_a_file_of_another_rate_is_converted(tmp_path, opened):
    tone = np.int16(10_000 * np.sin(2 * np.pi * 1000 * np.arange(24_000) / 48_000))
    frames = hear(opened, write_wav(tmp_path / "a.wav", tone.tobytes(), 48_000), enough=20)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(frames.pcm, np.int16)[1600:4800]))
    assert spectrum.argmax() * 16_000 / 3200 == 1000
    assert np.sort(spectrum)[-2] < 0.01 * spectrum.max()


@pytest.mark.parametrize(
    ("pcm", "channels", "width"),
    [
        (np.int16([[300, 500]] * 800).tobytes(), 2, 2),
        (bytes([129 + 0, 129 + 0]) * 400, 1, 1),
        (b"\x99\x90\x01" * 800, 1, 3),
        (b"\x99\x99\x90\x01" * 800, 1, 4),
    ],
    ids=["stereo", "8 bit", "24 bit", "32 bit"],
)
def test_other_channels_and_sample_sizes_are_converted(tmp_path, opened, pcm, channels, width):
    frames = hear(opened, write_wav(tmp_path / "a.wav", pcm, 16_000, channels, width), enough=3)
    assert set(np.frombuffer(frames.pcm[:1600], np.int16)) <= {400, 256}


def test_a_file_that_is_not_there_is_an_absent_device(tmp_path):
    with pytest.raises(DeviceAbsent, match=r"there is no file .*none\.wav"):
        open_input(f"file:{tmp_path}/none.wav", 16_000, 20, Frames(1))


def test_a_file_that_is_no_wav_is_an_error_that_says_so(tmp_path):
    (tmp_path / "text.wav").write_text("this is no sound")
    with pytest.raises(DeviceError, match=r"text\.wav is no WAV file"):
        open_input(f"file:{tmp_path}/text.wav", 16_000, 20, Frames(1))


def test_a_recording_holds_exactly_what_was_read(tmp_path, opened):
    enough, given = threading.Event(), []

    def read(n_samples):
        given.append(np.full(n_samples, len(given), dtype=np.int16).tobytes())
        if len(given) == 30:
            enough.set()
        return given[-1]

    loudspeaker = opened(open_output(f"file:{tmp_path}/out.wav", 24_000, read))
    assert enough.wait(10)
    loudspeaker.close()
    loudspeaker.close()
    assert read_wav(tmp_path / "out.wav") == ((1, 2, 24_000), b"".join(given))


def test_a_recording_is_valid_while_it_is_being_written(tmp_path, opened):
    reads = threading.Semaphore(0)

    def read(n_samples):
        reads.release()
        return bytes(2 * n_samples)

    opened(open_output(f"file:{tmp_path}/out.wav", 24_000, read))
    for _ in range(35):
        assert reads.acquire(timeout=10)
    params, pcm = read_wav(tmp_path / "out.wav")
    assert params == (1, 2, 24_000)
    assert len(pcm) >= 20 * 480


def test_a_recording_of_a_conversation_is_private(tmp_path, opened):
    opened(open_output(f"file:{tmp_path}/out.wav", 24_000, lambda n: bytes(2 * n)))
    assert stat.S_IMODE((tmp_path / "out.wav").stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_an_error_that_says_why(tmp_path):
    with pytest.raises(DeviceError, match="No such file or directory; give a file that can be written"):
        open_output(f"file:{tmp_path}/none/out.wav", 24_000, bytes)


def test_what_a_reader_raises_is_kept_and_the_device_counts_as_stalled(tmp_path, opened):
    failed = threading.Event()

    def read(_):
        failed.set()
        raise RuntimeError("no more")

    loudspeaker = opened(open_output(f"file:{tmp_path}/out.wav", 24_000, read))
    assert failed.wait(10)
    loudspeaker.close()
    assert str(loudspeaker.error) == "no more"
    assert loudspeaker.is_stalled(time.monotonic())


def test_a_device_that_calls_is_not_stalled_and_one_that_stops_is():
    progress = Progress(opened=10.0, start_within_s=3.0, stall_after_s=1.0)
    progress.called(10.5)
    assert not progress.is_stalled(11.4)
    assert progress.is_stalled(11.5)
    progress.called(20.0)
    assert not progress.is_stalled(20.5)


def test_a_device_has_more_time_for_its_first_call():
    progress = Progress(opened=10.0, start_within_s=3.0, stall_after_s=1.0)
    assert not progress.is_stalled(12.9)
    assert progress.is_stalled(13.0)


def test_a_device_is_asked_for_what_we_want_first_and_then_for_what_it_has():
    stereo_card = {"maxOutputChannels": 2, "defaultSampleRate": 44_100.0}
    assert list(ways_to_open(stereo_card, "output", 24_000)) == [
        *((24_000, 1), (24_000, 2)),
        *((44_100, 1), (44_100, 2)),
        *((48_000, 1), (48_000, 2)),
    ]
    microphone_array = {"maxInputChannels": 6, "defaultSampleRate": 16_000.0}
    assert list(ways_to_open(microphone_array, "input", 16_000))[:3] == [
        (16_000, 1),
        (16_000, 2),
        (16_000, 6),
    ]


def test_whoever_slept_itself_gives_the_device_a_moment_to_call_again():
    progress = Progress(opened=10.0)
    progress.called(10.0)
    assert not progress.is_stalled(10.25)
    assert not progress.is_stalled(13.0), "stopped or suspended, the device's thread could not call either"
    assert not progress.is_stalled(13.25)
    assert progress.is_stalled(13.5), "and now it could have"
