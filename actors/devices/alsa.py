"""A look at ALSA's configuration before PortAudio takes one, as that ends the whole process over a bad one."""

import ctypes
import os

from actors.devices.audio import DeviceError
from actors.devices.quiet import quiet_stderr


def check_alsa_config() -> None:
    """Refuse what would make PortAudio abort the whole process: an ALSA configuration without `pcm.default`."""
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:  # a PortAudio without ALSA
        return
    with quiet_stderr() as overheard:
        alsa.snd_config_update()
        top, node = ctypes.c_void_p.in_dll(alsa, "snd_config"), ctypes.c_void_p()
        is_there = bool(top) and alsa.snd_config_search(top, b"pcm.default", ctypes.byref(node)) == 0
    if not is_there:
        named = os.environ.get("ALSA_CONFIG_PATH")
        raise DeviceError(
            f"ALSA_CONFIG_PATH={named} defines no pcm.default; correct it or unset it"
            if named
            else f"ALSA has no configuration: apt install libasound2-data\n{overheard.brief()}".rstrip()
        )
