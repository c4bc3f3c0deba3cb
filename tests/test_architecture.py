"""Who may import whom, read from the source; and what the lean actors carry, seen in a fresh process."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("inputs", "outputs", "model", "coordinator", "devices", "gate", "streamers")
COMMON = ("wire", "state", "settings", "runtime", "devices")
HOMES = {
    "pyaudio": "actors/devices/portaudio.py",
    "google": ("actors/model/google.py", "actors/model/clients.py", "actors/model/credentials.py"),
    "zmq": "actors/runtime/bus/",
    "rich": "supervisor/live/",
    "opentelemetry": "supervisor/metrics/otel.py",
    "linuxpy": "actors/devices/v4l2.py",
    "mss": "actors/devices/screen.py",
    "PIL": "actors/devices/encoder.py",
    "zeroconf": "actors/runtime/lan.py",
}
"""Third-party modules that have one home each."""
BASES = {"actors.inputs.base", "actors.outputs.base"}
"""What a streamer is: the user's own are known everywhere by these."""
ALSO = {
    "streamers": {*BASES, "actors.inputs.delivery", "actors.inputs.outgoing", "actors.inputs.ring"},
    "model": {*BASES, "actors.streamers.outlets", "actors.streamers.sources"},
}
"""What a room may import beyond what is common."""
WALL_CLOCK = {
    "actors/gate/guard.py",
    "actors/model/parrot/certificate.py",
    "actors/runtime/keyring.py",
    "supervisor/doctor/network.py",
    "supervisor/doctor/remote.py",
    "supervisor/remote/paired.py",
    "supervisor/remote/pairing.py",
}
"""Who reads the time of day: until when a key or a certificate is good, and whether this machine's clock is right."""
FRONT_DOOR = ("supervisor/session.py", "supervisor/embedding/")
"""The Python API, which stands on both sides of the wall between supervisor and actors."""
LEAN = {
    "coordinator": "actors.coordinator.actor",
    "keyboard": "actors.inputs.keyboard",
    "console": "actors.outputs.console",
    "mic": "actors.inputs.mic",
    "speaker": "actors.outputs.speaker",
    "gate": "actors.gate.actor",
    "camera": "actors.inputs.video",
}
HEAVY = (
    "asyncio",
    "google",
    "numpy",
    "psutil",
    "pydantic",
    "websockets",
    "soxr",
    "multiprocessing",
    "concurrent",
    "linuxpy",
    "mss",
    "PIL",
    "zeroconf",
)


def sources(folder):
    return sorted(path for path in (ROOT / folder).rglob("*.py"))


def imports(path):
    """Yield every module a file imports, wherever in the file, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if (ROOT / name.replace(".", "/")).is_dir() or is_module(name) else node.module


def is_module(name):
    return (ROOT / (name.replace(".", "/") + ".py")).is_file()


def offences(folder, is_wrong):
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in imports(path)
        if is_wrong(path.relative_to(ROOT), name)
    ]


@pytest.mark.parametrize("module", HOMES)
def test_the_big_libraries_have_one_home_each(module):
    def is_wrong(path, name):
        return name.split(".")[0] == module and not str(path).startswith(HOMES[module])

    assert offences("actors", is_wrong) + offences("supervisor", is_wrong) == []


def test_the_protocol_imports_nothing_of_ours():
    assert [
        name for name in imports(ROOT / "actors/wire.py") if name.split(".")[0] in {"actors", "supervisor"}
    ] == []


def test_settings_and_runtime_import_only_what_everybody_may():
    allowed = {"wire", "settings", "runtime"}
    found = offences("actors/runtime", lambda _, name: is_ours(name) and room_of(name) not in allowed)
    found += [
        name
        for name in imports(ROOT / "actors/settings.py")
        if is_ours(name) and room_of(name) not in allowed
    ]
    assert found == []


def is_ours(name):
    return name.startswith(("actors.", "supervisor")) or name == "actors"


def room_of(name):
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_is_common_and_itself(room):
    def is_wrong(_, name):
        if name in ALSO.get(room, ()):
            return False
        return is_ours(name) and (name.startswith("supervisor") or room_of(name) not in {*COMMON, room})

    assert offences(f"actors/{room}", is_wrong) == []


def test_nothing_is_timed_by_a_clock_that_somebody_may_set():
    words = ("time.time(", "time_ns()", "datetime.now(", "datetime.utcnow(", "date.today(")
    found = {
        str(path.relative_to(ROOT))
        for folder in ("actors", "supervisor")
        for path in sources(folder)
        if any(word in path.read_text().replace("monotonic_ns()", "") for word in words)
    }
    assert found == WALL_CLOCK


def test_devices_know_nothing_of_actors():
    def is_wrong(_, name):
        return is_ours(name) and room_of(name) != "devices"

    assert offences("actors/devices", is_wrong) == []


def test_the_supervisor_knows_actors_by_their_spec_and_touches_only_devices():
    def is_wrong(path, name):
        if str(path).startswith(FRONT_DOOR):
            return False
        return name.startswith("actors.") and room_of(name) not in {"wire", "settings", "runtime", "devices"}

    assert offences("supervisor", is_wrong) == []


def test_nobody_but_the_names_for_users_scripts_and_tests_imports_the_supervisor():
    def is_wrong(path, name):
        return name.startswith("supervisor") and str(path) != "actors/__init__.py"

    assert offences("actors", is_wrong) == []


def test_the_names_for_users_cost_nothing_until_they_are_asked_for():
    assert heavy_modules_of("actors") == []


def test_every_name_for_users_is_there_and_stands_in_the_list_that_tools_read():
    import actors

    assert sorted(actors._HOMES) == sorted(actors.__all__)
    assert [name for name in actors.__all__ if not hasattr(actors, name)] == []


def test_every_python_package_says_what_it_is_for_in_one_line():
    packages = [path for path in sources("actors") if path.name == "__init__.py"]
    assert [str(path) for path in packages if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_the_rooms_are_the_folders():
    folders = {path.name for path in (ROOT / "actors").iterdir() if (path / "__init__.py").exists()}
    assert folders == {*ROOMS, "runtime"}


LOOK = """
import json, resource, sys
import actors.runtime.boot, {module}
heavy = sorted({{name.partition(".")[0] for name in sys.modules}} & set({heavy}))
print(json.dumps(heavy))
"""


def heavy_modules_of(module):
    code = LOOK.format(module=module, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", LEAN.values(), ids=LEAN)
def test_a_lean_actor_carries_nothing_heavy(module):
    assert heavy_modules_of(module) == []


def test_a_supervisor_carries_nothing_that_only_one_command_needs():
    code = (
        "import sys, supervisor.cli, supervisor.tree; print({'rich', 'google', 'zeroconf'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert done.stdout == "set()\n"


def test_the_measure_of_lean_would_notice_the_session():
    assert {"asyncio", "google", "pydantic"} <= set(heavy_modules_of("actors.model.session"))
