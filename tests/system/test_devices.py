"""Microphone and loudspeaker against a real sound server, whose devices are virtual."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from actors.devices.audio import DeviceAbsent, DeviceError, list_devices, open_input, open_output
from actors.outputs.playout import Playout, PreRoll
from tests import virtual_audio
from tests.virtual_audio import align, broken_blocks, correlation, speech_like, wait_until, write_wav

pytestmark = pytest.mark.skipif(bool(virtual_audio.why_not()), reason=virtual_audio.why_not() or "it can run")

MIC_HZ = 16_000
SPEAKER_HZ = 24_000
SPOKEN_S = 3


@pytest.fixture
def sound(monkeypatch):
    with virtual_audio.VirtualAudio() as virtual:
        for name, value in virtual.env.items():
            monkeypatch.setenv(name, value)
        yield virtual


@pytest.fixture
def opened():
    devices = []
    yield lambda device: devices.append(device) or device
    for device in devices:
        device.close()


class Frames:
    """Keeps what a microphone gives."""

    def __init__(self):
        self.pcm, self.captured_ns, self.sizes = bytearray(), [], set()

    def __call__(self, pcm, captured_ns):
        self.pcm += pcm
        self.captured_ns.append(captured_ns)
        self.sizes.add(len(pcm))

    @property
    def samples(self):
        return np.frombuffer(bytes(self.pcm), dtype=np.int16)


def silence(n_samples):
    return bytes(2 * n_samples)


def speak(sound, tmp_path, opened, rate_hz=MIC_HZ):
    """Speak into the microphone; gives what was sent, what came, and the frames."""
    sent, frames = speech_like(SPOKEN_S, rate_hz), Frames()
    wav = write_wav(tmp_path / "spoken.wav", speech_like(SPOKEN_S, 48_000), 48_000)
    opened(open_input("", rate_hz, 20, frames))
    wait_until(lambda: frames.pcm, "the microphone gives nothing")
    with sound.speaking(wav):
        pass
    spoken = len(frames.pcm)
    wait_until(lambda: len(frames.pcm) > spoken + rate_hz, "the microphone stopped")
    return sent, align(frames.samples, sent), frames


def test_what_is_spoken_arrives_without_a_missing_or_doubled_block(sound, tmp_path, opened):
    sent, heard, frames = speak(sound, tmp_path, opened)
    print("correlation", correlation(heard, sent))
    assert frames.sizes == {MIC_HZ // 50 * 2}
    assert broken_blocks(heard, sent, MIC_HZ) == 0
    assert correlation(heard, sent) > 0.999


def test_capture_times_follow_the_samples(sound, tmp_path, opened):
    _, _, frames = speak(sound, tmp_path, opened)
    times = np.array(frames.captured_ns)
    drift = times - times[0] - 20_000_000 * np.arange(len(times))
    assert np.median(np.abs(drift - np.median(drift))) < 20_000_000
    assert 0 < time.monotonic_ns() - times[-1] < 1_000_000_000


def play(sound, opened, rate_hz=SPEAKER_HZ):
    """Play a reply; gives what was sent, what was heard, the buffer and the device.

    Tried again if the device itself reports that it was not served in time: the machine was too busy to tell anything.
    """
    for _ in range(3):
        played = play_once(sound, opened, rate_hz)
        if not played[-1].xruns:
            break
    return played


def play_once(sound, opened, rate_hz):
    sent, reply = speech_like(SPOKEN_S, SPEAKER_HZ), speech_like(SPOKEN_S, rate_hz)
    buffer, pcm = Playout(), reply.tobytes()
    with sound.listening(SPEAKER_HZ) as recording:
        loudspeaker = opened(open_output("", rate_hz, buffer.read))
        for start in range(0, len(pcm), 4801):
            buffer.add(1, pcm[start : start + 4801])
        buffer.end(1)
        wait_until(lambda: buffer.is_idle, "the reply does not end")
        ended = len(recording.samples)
        wait_until(lambda: len(recording.samples) > ended + SPEAKER_HZ // 2, "the recorder stopped")
        loudspeaker.close()
    return sent, align(recording.samples, sent), buffer, loudspeaker


def test_a_reply_leaves_the_loudspeaker_without_a_broken_block(sound, opened):
    sent, heard, buffer, loudspeaker = play(sound, opened)
    print("correlation", correlation(heard, sent))
    assert broken_blocks(heard, sent, SPEAKER_HZ) == 0
    assert correlation(heard, sent) > 0.999
    assert (buffer.counts().underruns, loudspeaker.error) == (0, None)


def test_a_reply_is_heard_in_full_a_latency_after_it_was_read(sound, opened):
    sent, _, buffer, loudspeaker = play(sound, opened)
    position = buffer.heard(time.monotonic(), loudspeaker.latency_s)[1]
    assert (position.samples, position.is_done) == (len(sent), True)


def test_a_rate_the_device_does_not_take_is_converted_on_the_way_in(sound, tmp_path, opened):
    sent, heard, frames = speak(sound, tmp_path, opened, rate_hz=400_000)
    assert frames.sizes == {400_000 // 50 * 2}
    assert broken_blocks(heard, sent, 400_000) == 0


def test_a_rate_the_device_does_not_take_is_converted_on_the_way_out(sound, opened):
    sent, heard, _, loudspeaker = play(sound, opened, rate_hz=400_000)
    assert loudspeaker.rate_hz == 44_100
    assert broken_blocks(heard, sent, SPEAKER_HZ) == 0


def test_an_abort_silences_what_the_device_holds(sound, opened):
    buffer = Playout()
    buffer.add(1, speech_like(20, SPEAKER_HZ).tobytes())
    took = []
    with sound.listening(SPEAKER_HZ) as recording:
        loudspeaker = opened(open_output("", SPEAKER_HZ, buffer.read))
        for epoch in range(2, 8):
            played = buffer.counts().played
            wait_until(
                lambda played=played: buffer.counts().played > played + SPEAKER_HZ // 4, "nothing plays"
            )
            decided = time.monotonic()
            buffer.flush(epoch, fade=False)
            loudspeaker.abort()
            buffer_silent = buffer.counts().silent
            wait_until(
                lambda n=buffer_silent: buffer.counts().silent > n + SPEAKER_HZ // 4, "it stopped pulling"
            )
            took.append(recording.last_sound() - decided)
            buffer.add(epoch, speech_like(2, SPEAKER_HZ).tobytes())
    print("silent after ms", sorted(round(1000 * each) for each in took), "xruns", loudspeaker.xruns)
    assert sorted(took)[len(took) // 2] < 0.1
    assert loudspeaker.error is None


def test_a_reply_that_is_cued_while_the_device_is_started_anew_sounds_at_once(sound, opened):
    buffer, took = Playout(), []
    loudspeaker = opened(open_output("", SPEAKER_HZ, lambda n: buffer.read(n, loudspeaker.pull_latency_s)))
    wait_until(lambda: loudspeaker.holds_s > 0, "it begins with silence")
    buffer.wait_for_cue(loudspeaker.holds_s)
    with sound.listening(SPEAKER_HZ) as recording:
        for epoch in range(1, 8):
            buffer.add(epoch, speech_like(0.2, SPEAKER_HZ).tobytes())
            buffer.end(epoch)
            decided = time.monotonic()
            assert buffer.is_cue_due
            loudspeaker.abort(buffer.cue)
            wait_until(lambda since=decided: recording.last_sound() > since, "nothing is heard")
            took.append(recording.last_sound() - decided)
            time.sleep(0.4)
    print("sounds after ms", sorted(round(1000 * each) for each in took), "xruns", loudspeaker.xruns)
    assert sorted(took)[len(took) // 2] < loudspeaker.holds_s / 4


def test_a_reply_whose_rest_comes_while_the_device_still_holds_enough_has_no_gap(sound, opened):
    buffer, gaps = Playout(pre_roll=PreRoll(40, 40)), []
    loudspeaker = opened(
        open_output(
            "",
            SPEAKER_HZ,
            lambda n: buffer.read(n, loudspeaker.pull_latency_s, loudspeaker.patience_s),
        )
    )
    wait_until(lambda: loudspeaker.holds_s > 0, "it begins with silence")
    buffer.wait_for_cue(loudspeaker.holds_s)
    for epoch in range(1, 8):
        before = buffer.counts().gaps
        buffer.add(epoch, speech_like(0.2, SPEAKER_HZ).tobytes())
        loudspeaker.abort(buffer.cue)
        time.sleep(0.14)  # the device has asked for more than 0.2 s 0.12 s after its start
        buffer.add(epoch, speech_like(0.2, SPEAKER_HZ).tobytes())
        buffer.end(epoch)
        gaps.append(buffer.counts().gaps - before)
        time.sleep(0.4)
    print("gaps in samples", gaps, "xruns", loudspeaker.xruns)
    assert sorted(gaps)[len(gaps) // 2] == 0


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_killed_server_shows_as_a_stall_and_opening_again_works_when_it_is_back(sound, opened, direction):
    frames, buffer = Frames(), Playout()

    def open_device():
        if direction == "input":
            return opened(open_input("", MIC_HZ, 20, frames))
        return opened(open_output("", SPEAKER_HZ, buffer.read))

    def progress():
        return len(frames.pcm) + buffer.counts().silent

    device = open_device()
    wait_until(progress, "the device does not call")
    assert not device.is_stalled(time.monotonic())
    sound.kill()
    wait_until(lambda: device.is_stalled(time.monotonic()), "the loss was not noticed")
    device.close()
    sound.start()
    before = progress()
    again = open_device()
    wait_until(lambda: progress() > before, "the device does not come back")
    assert not again.is_stalled(time.monotonic())


@pytest.mark.parametrize("direction", ["sink", "source"])
def test_a_suspended_device_shows_as_a_stall_and_can_still_be_closed(sound, opened, direction):
    frames, buffer = Frames(), Playout()
    if direction == "source":
        device, suspend = opened(open_input("", MIC_HZ, 20, frames)), ("suspend-source", "mic", "1")
    else:
        device, suspend = opened(open_output("", SPEAKER_HZ, buffer.read)), ("suspend-sink", "speaker", "1")
    wait_until(lambda: len(frames.pcm) + buffer.counts().silent, "the device does not call")
    sound.pactl(*suspend)
    took = wait_until(lambda: device.is_stalled(time.monotonic()), "the stall was not noticed")
    assert took > 0.5
    closer = threading.Thread(target=device.close)
    closer.start()
    closer.join(5)
    assert not closer.is_alive()


def test_an_exception_in_a_callback_is_kept_and_the_device_goes_on(sound, opened):
    def fail(n_samples):
        calls.append(n_samples)
        raise ValueError("no samples today")

    calls = []
    loudspeaker = opened(open_output("", SPEAKER_HZ, fail))
    wait_until(lambda: len(calls) > 20, "the device stopped calling")
    assert str(loudspeaker.error) == "no samples today"


def test_a_reader_that_gives_too_little_is_an_error_with_the_numbers(sound, opened):
    loudspeaker = opened(open_output("", SPEAKER_HZ, lambda _: b"12"))
    wait_until(lambda: loudspeaker.error, "the error was not kept")
    assert str(loudspeaker.error) == "the reader gave 2 bytes, 960 samples are 1920"


def test_a_device_is_found_by_part_of_its_name_in_any_case(sound, opened):
    assert opened(open_output("PULS", SPEAKER_HZ, silence)).description == "pulse (24000 Hz, 1 channel)"


def test_an_unknown_device_is_refused_with_the_names_of_those_there_are(sound):
    with pytest.raises(DeviceAbsent) as refused:
        open_output("Kitchen", SPEAKER_HZ, silence)
    assert str(refused.value) == (
        'no loudspeaker has "Kitchen" in its name (devices: "pulse", "default"); plug it in or configure another'
    )


def test_a_name_that_fits_two_devices_is_refused_with_both(sound):
    with pytest.raises(DeviceError, match='"u" fits more than one microphone: "pulse", "default"'):
        open_input("u", MIC_HZ, 20, Frames())


def test_without_a_server_there_is_no_device_and_the_error_says_so(sound):
    sound.kill()
    with pytest.raises(DeviceError) as refused:
        open_input("", MIC_HZ, 20, Frames())
    assert "microphone" in str(refused.value)


def test_an_alsa_configuration_that_does_not_exist_is_an_error_and_no_dead_process(sound):
    script = "from actors.devices.audio import DeviceError, list_devices\ntry: list_devices()\nexcept DeviceError as e: print(e)"
    environ = {**os.environ, "ALSA_CONFIG_PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    told = "ALSA_CONFIG_PATH=/nonexistent defines no pcm.default; correct it or unset it\n"
    assert (done.returncode, done.stdout) == (0, told)


def test_both_directions_are_listed_with_the_default_marked(sound):
    found = {(info.direction, info.name): info for info in list_devices()}
    assert set(found) == {(way, name) for way in ("input", "output") for name in ("pulse", "default")}
    default = found["input", "default"]
    assert (default.is_default, default.host_api) == (True, "ALSA")
    assert default.rates_hz == [16_000, 24_000, 44_100, 48_000]
    assert not found["input", "pulse"].is_default


def test_nothing_is_written_to_stderr_by_opening_listing_and_closing(sound, capfd):
    list_devices()
    buffer = Playout()
    loudspeaker = open_output("", SPEAKER_HZ, buffer.read)
    wait_until(lambda: buffer.counts().silent, "the device does not call")
    loudspeaker.abort()
    loudspeaker.close()
    loudspeaker.close()
    assert capfd.readouterr().err == ""
