import asyncio
import shutil
import ssl
import stat
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.parrot import tones
from actors.model.parrot.certificate import make_server_context
from actors.model.parrot.journal import AudioKeeper, Journal
from actors.model.parrot.pcm import cut, resample
from actors.model.parrot.reply import pieces_due, split
from actors.model.parrot.speech import Speech, SpeechError


def test_a_melody_is_70_ms_a_letter_and_the_same_for_the_same_text():
    assert len(tones.melody("hello")) == 2 * round(5 * 0.07 * 24_000)
    assert tones.melody("hello") == tones.melody("hello") != tones.melody("jelly")


def test_a_melody_is_bounded_does_not_clip_and_begins_and_ends_in_silence():
    samples = np.frombuffer(tones.melody("a" * 5000), dtype="<i2").astype(int)
    assert len(samples) <= 10 * 24_000
    assert np.abs(samples).max() < 10_000
    assert samples[0] == 0
    assert np.abs(np.diff(samples)).max() < 1500  # a click would be a jump


def test_speech_in_tones_needs_no_program():
    assert asyncio.run(Speech("tones").say("hi")) == tones.melody("hi")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_espeak_speaks_whatever_the_text_looks_like():
    pcm = asyncio.run(Speech("espeak").say("--version; $(reboot) good morning"))
    assert 1.0 < len(pcm) / 48_000 < 10
    assert np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)).max() > 3000


def test_without_espeak_auto_sings_and_espeak_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(Speech("auto").say("hi")) == tones.melody("hi")
    with pytest.raises(SpeechError, match="install it"):
        Speech("espeak")


def fake_espeak(directory, script):
    program = directory / "espeak-ng"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)


@pytest.mark.parametrize("script", ["exit 3", "echo no wav", "exit 0"])
def test_an_espeak_that_fails_is_replaced_by_tones(monkeypatch, tmp_path, script):
    fake_espeak(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert asyncio.run(Speech("auto").say("hi")) == tones.melody("hi")
    with pytest.raises(SpeechError):
        asyncio.run(Speech("espeak").say("hi"))


def test_an_espeak_that_hangs_is_killed(monkeypatch, tmp_path):
    fake_espeak(tmp_path, "exec sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr("actors.model.parrot.speech.ESPEAK_TIMEOUT_S", 0.2)
    with pytest.raises(SpeechError, match="took longer"):
        asyncio.run(Speech("espeak").say("hi"))


def test_resampling_keeps_the_sound():
    time_s = np.arange(16_000) / 16_000
    pcm = (8000 * np.sin(2 * np.pi * 440 * time_s)).astype("<i2").tobytes()
    out = np.frombuffer(resample(pcm, 16_000, 24_000), dtype="<i2")
    expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(len(out)) / 24_000)
    assert len(out) == 24_000
    assert np.corrcoef(out[100:-100], expected[100:-100])[0, 1] > 0.999


@given(st.binary(max_size=500), st.integers(1, 50), st.integers(1, 50))
def test_cutting_loses_nothing(pcm, first, rest):
    pieces = cut(pcm, first, rest)
    assert b"".join(pieces) == pcm
    assert all(pieces)
    assert all(len(piece) == rest for piece in pieces[1:-1])


@given(st.text(max_size=200), st.integers(1, 8))
def test_a_transcript_in_pieces_is_the_whole_text(text, limit):
    pieces = split(text, limit)
    assert "".join(pieces) == text
    assert len(pieces) <= limit
    assert all(pieces)


@given(st.integers(1, 50), st.integers(0, 8))
def test_all_pieces_are_said_by_the_last_chunk_and_none_twice(chunks, pieces):
    due = [pieces_due(chunk, chunks, pieces) for chunk in range(1, chunks + 1)]
    assert due == sorted(due)
    assert due[-1] == pieces


def test_the_certificate_file_is_private_and_replaced_whole(tmp_path):
    ca_file = tmp_path / "ca.pem"
    make_server_context(ca_file)
    first = ca_file.read_bytes()
    make_server_context(ca_file)
    assert stat.S_IMODE(ca_file.stat().st_mode) == 0o600
    assert ca_file.read_bytes() != first
    assert b"PRIVATE" not in ca_file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]


def test_the_strictest_client_trusts_the_certificate(tmp_path):
    server = make_server_context(tmp_path / "ca.pem")
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    async def greet(name):
        async def answer(_reader, writer):
            writer.write(b"hello")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server) as listening:
            port = listening.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=client, server_hostname=name
            )
            said = await reader.read()
            writer.close()
            return said

    assert [asyncio.run(greet(name)) for name in ("localhost", "127.0.0.1")] == [b"hello"] * 2
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(greet("example.org"))


def test_a_journal_writes_each_event_at_once(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(str(path))
    journal.record("opened", connection=1)
    assert path.read_text().count("\n") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert journal.named("opened", connection=2) == []
    assert journal.named("opened", connection=1)[0]["event"] == "opened"
    journal.close()


def test_a_journal_can_be_waited_for():
    async def wait():
        journal = Journal()
        waiting = asyncio.create_task(journal.wait_for("turn_complete", turn=2))
        await asyncio.sleep(0)
        journal.record("turn_complete", turn=1)
        journal.record("turn_complete", turn=2)
        assert (await waiting)["turn"] == 2
        assert await journal.wait_for("turn_complete") == journal.events[0]
        with pytest.raises(TimeoutError):
            await journal.wait_for("never", within_s=0)

    asyncio.run(wait())


def test_kept_audio_is_a_valid_file_at_any_time_and_one_for_each_rate(tmp_path):
    keeper = AudioKeeper(str(tmp_path), 3)
    keeper.keep(b"\1\2" * 100, 16_000)
    keeper.keep(b"\3\4" * 50, 8000)
    keeper.keep(b"\5\6" * 100, 16_000)
    with wave.open(str(tmp_path / "connection-3.wav")) as file:
        assert (file.getframerate(), file.readframes(1000)) == (16_000, b"\1\2" * 100 + b"\5\6" * 100)
    with wave.open(str(tmp_path / "connection-3-8000.wav")) as file:
        assert file.getnframes() == 50
    keeper.close()
