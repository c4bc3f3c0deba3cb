"""Full duplex without the package it needs: said before anything starts, with what to do."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.modules["livekit"] = None  # as if it were not installed
{action}
"""


def without_livekit(action):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(action=action)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_conversation_in_full_duplex_is_refused_with_what_to_install(tmp_path, command):
    config = tmp_path / "full.toml"
    config.write_text('[session]\nduplex = "full"\n[actors.mic]\n')
    ended = without_livekit(f"from supervisor.cli import run; sys.exit(run(['{command}', '{config}']))")
    assert ended.returncode == 6
    said = ended.stdout + ended.stderr
    assert f"{config}:session.duplex: " in said
    assert f"{sys.executable} -m pip install 'livekit>=1.2,<2'" in said
    assert '"headset"' in said


def test_the_canceller_itself_says_the_same():
    ended = without_livekit("from actors.devices.echo import EchoCanceller; EchoCanceller()")
    assert "EchoUnavailable" in ended.stderr
    assert "-m pip install 'livekit>=1.2,<2'" in ended.stderr


def test_a_frame_that_is_no_whole_ten_milliseconds_is_refused(tmp_path):
    from supervisor.config import ConfigError, load

    config = tmp_path / "full.toml"
    config.write_text('[session]\nduplex = "full"\n[actors.mic]\nframe_ms = 25\n')
    with pytest.raises(
        ConfigError, match=r"actors.mic.frame_ms: echo cancellation takes whole 10 ms, not 25"
    ):
        load(config)
    config.write_text('[session]\nduplex = "half"\n[actors.mic]\nframe_ms = 25\n')
    assert load(config).actors["mic"]["frame_ms"] == 25
