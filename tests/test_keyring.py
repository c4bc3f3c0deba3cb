"""Keys and the register of devices: written once, for their owner alone, and never believed if others can read them."""

import os

import pytest

from actors.runtime import keyring
from actors.runtime.bus.curve import key_of, new_keys, raw_key
from actors.runtime.fingerprint import fingerprint, short_fingerprint


@pytest.fixture
def careless_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_our_keys_are_made_once_and_for_us_alone(tmp_path, careless_umask):
    path = tmp_path / "host.key"
    keys = keyring.own_keys(path, make=True)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert keyring.own_keys(path, make=True) == keys == keyring.own_keys(path)


def test_a_secret_is_never_shown(tmp_path):
    keys = keyring.own_keys(tmp_path / "host.key", make=True)
    assert keys.secret not in repr(keys)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "device.key"
    keyring.own_keys(path, make=True)
    path.chmod(mode)
    with pytest.raises(keyring.KeyringError, match="can be read by others"):
        keyring.own_keys(path)


def test_a_secret_behind_a_symbolic_link_is_refused(tmp_path):
    keyring.own_keys(tmp_path / "real", make=True)
    (tmp_path / "device.key").symlink_to(tmp_path / "real")
    with pytest.raises(keyring.KeyringError, match="cannot be read"):
        keyring.own_keys(tmp_path / "device.key", make=True)


def test_without_keys_one_is_told_to_pair(tmp_path):
    with pytest.raises(keyring.KeyringError, match="pair this machine first"):
        keyring.own_keys(tmp_path / "device.key")


def test_a_file_that_holds_no_key_is_refused_and_not_repeated(tmp_path):
    (tmp_path / "device.key").write_text("hunter2")
    (tmp_path / "device.key").chmod(0o600)
    with pytest.raises(keyring.KeyringError, match="holds no key") as caught:
        keyring.own_keys(tmp_path / "device.key")
    assert "hunter2" not in str(caught.value)


def test_the_register_comes_out_as_it_went_in(tmp_path, careless_umask):
    path = tmp_path / "devices.toml"
    register = {
        "kitchen-pi": keyring.Device(new_keys().public, ["mic", "speaker"], "2026-01-01T00:00:00+00:00"),
        "a.b": keyring.Device(new_keys().public, [], "x", "2026-02-01T00:00:00+00:00", revoked=True),
    }
    keyring.write_register(path, register)
    keyring.write_register(path, register)
    assert keyring.read_register(path) == register
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert [file.name for file in tmp_path.iterdir()] == ["devices.toml"]


@pytest.mark.parametrize(
    "content",
    [
        "no toml",
        '[pi]\nkey = "short"\nroles = []\nadded = ""',
        '[pi]\nroles = []\nadded = ""',
        '[pi]\nkey = "' + "~" * 40 + '"\nroles = []\nadded = ""',
        '["../x"]\nkey = "' + "a" * 40 + '"\nroles = []\nadded = ""',
        '[pi]\nkey = "' + "a" * 40 + '"\nroles = []\nadded = ""\nexpires = "soon"',
        '[pi]\nkey = "' + "a" * 40 + '"\nroles = []\nadded = ""\nowner = "x"',
    ],
)
def test_a_register_that_is_wrong_is_refused(tmp_path, content):
    path = tmp_path / "devices.toml"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(keyring.KeyringError, match=r"devices\.toml"):
        keyring.read_register(path)


def test_a_changed_register_is_noticed(tmp_path):
    path = tmp_path / "devices.toml"
    file = keyring.RegisterFile(path)
    assert not file.has_changed()
    keyring.write_register(path, {})
    assert file.has_changed()
    file.read()
    assert not file.has_changed()
    keyring.write_register(path, {})
    assert file.has_changed()


def test_a_key_is_32_bytes_in_40_characters():
    keys = new_keys()
    assert key_of(raw_key(keys.public)) == keys.public
    for wrong in ("", "a" * 39, "a" * 45, "~" * 40, "#" * 40):
        with pytest.raises(ValueError, match="not a key"):
            raw_key(wrong)


def test_a_fingerprint_is_of_both_keys_in_their_order():
    one, two = new_keys().public, new_keys().public
    assert len(fingerprint(one, two).split()) == 6
    assert len({fingerprint(one, two), fingerprint(two, one), fingerprint(one, one)}) == 3
    assert len(short_fingerprint(one)) == 8
