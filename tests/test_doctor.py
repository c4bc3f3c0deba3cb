"""The doctor: each thing that can be wrong with a machine is told apart, with what to do, and no secret is shown."""

import os
import resource
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest

from actors.model.parrot.certificate import make_server_context
from actors.runtime import keyring
from actors.settings import GateTable, HostTable, ModelTable, Settings
from supervisor.doctor import machine, model, network, places, remote, sound
from supervisor.doctor.finding import Finding, line

KEY = "AIza" + 35 * "x"
DATE = b"HTTP/1.1 404 Not Found\r\nDate: Tue, 06 Jan 2026 10:00:00 GMT\r\n\r\n"


@contextmanager
def server(serve):
    """A server on loopback that handles one connection after the other; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def over_tls(ca_file):
    context = make_server_context(ca_file)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            if secure.recv(4096):
                secure.sendall(DATE)

    return serve


def way(port, ca_file="", proxy=None):
    return network.Way("localhost", port, proxy, str(ca_file))


# The model.


@pytest.mark.parametrize(
    ("value", "verdict", "said"),
    [
        (KEY, "ok", "looks right"),
        ("auth_tokens/abc", "ok", "looks right"),
        (KEY + " ", "wrong", "blanks or quotes"),
        (f'"{KEY}"', "wrong", "blanks or quotes"),
        (KEY[:-1], "wrong", "has 38 characters, a key of this kind has 39"),
        ("schlüssel", "wrong", "characters that no key has"),
        ("sk-123456", "note", "like no key of Google's"),
    ],
)
def test_a_key_is_judged_by_its_shape_and_never_shown(value, verdict, said):
    finding = model.key("MY_KEY", value)
    assert finding.verdict == verdict
    assert said in finding.said
    assert value.strip('" ') not in line(finding)


def test_a_missing_key_is_wrong_and_nothing_else_is_tried():
    findings = list(model.model(ModelTable(provider="gemini"), {}))
    assert [(finding.topic, finding.verdict) for finding in findings] == [("credentials", "wrong")]
    assert "GOOGLE_API_KEY" in findings[0].said


def test_the_parrot_needs_no_network():
    assert [finding.verdict for finding in model.model(ModelTable(provider="parrot"), {})] == ["ok"]


def test_an_account_that_others_can_read_is_noted(tmp_path):
    account = tmp_path / "account.json"
    account.write_text("{}")
    account.chmod(0o644)
    assert model.service_account(account).remedy == f"chmod 600 {account}"
    account.chmod(0o600)
    assert model.service_account(account).verdict == "ok"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (ModelTable(), (model.GEMINI, 443)),
        (
            ModelTable(provider="vertex", location="europe-west4"),
            ("europe-west4-aiplatform.googleapis.com", 443),
        ),
        (ModelTable(provider="vertex", location="global"), ("aiplatform.googleapis.com", 443)),
        (ModelTable(base_url="https://proxy.example:8443/x"), ("proxy.example", 8443)),
        (ModelTable(base_url="proxy.example"), ("proxy.example", 443)),
    ],
)
def test_the_endpoint_is_the_one_the_session_will_use(table, expected):
    assert model.endpoint(table) == expected


@pytest.mark.parametrize(
    ("skew_s", "is_signed", "verdict"),
    [
        (-3.0, True, "ok"),
        (90.0, True, "note"),
        (-4000.0, False, "note"),
        (4000.0, True, "wrong"),
        (None, True, "note"),
    ],
)
def test_a_clock_that_is_off_matters_most_to_service_accounts(skew_s, is_signed, verdict):
    assert model.clock(skew_s, is_signed=is_signed).verdict == verdict


# The network.


def test_a_handshake_tells_the_version_and_the_time_of_the_server(tmp_path):
    ca_file = tmp_path / "ca.pem"
    with server(over_tls(ca_file)) as port:
        answer = network.shake_hands(way(port, ca_file))
    assert answer.tls.startswith("TLSv1.")
    assert answer.skew_s > 0, "the server's answer is dated the past"


def test_a_certificate_nobody_signed_is_refused_and_model_ca_file_is_named(tmp_path):
    with server(over_tls(tmp_path / "ca.pem")) as port, pytest.raises(network.UnreachableError) as caught:
        network.shake_hands(way(port))
    assert "certificate" in str(caught.value)
    assert "model.ca_file" in caught.value.remedy


def test_a_server_that_speaks_something_else_is_told_apart():
    def greet(connection):
        connection.sendall(b"220 mail\r\n")

    with server(greet) as port, pytest.raises(network.UnreachableError, match="does not speak TLS"):
        network.shake_hands(way(port))


def test_a_closed_port_is_told_apart():
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(network.UnreachableError, match=f"no connection to localhost:{port}"):
        network.shake_hands(way(port))


def test_a_name_that_does_not_exist_is_told_apart():
    with pytest.raises(network.UnreachableError, match=r"the name nowhere\.invalid is not found"):
        network.shake_hands(network.Way("nowhere.invalid", 443, None, ""))


def test_a_proxy_is_asked_and_its_refusal_quoted():
    def refuse(connection):
        assert connection.recv(4096).startswith(b"CONNECT far.example:443 ")
        connection.sendall(b"HTTP/1.1 403 Not for you\r\n\r\n")

    with server(refuse) as port, pytest.raises(network.UnreachableError, match="403 Not for you"):
        network.shake_hands(network.Way("far.example", 443, ("127.0.0.1", port), ""))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, ("proxy.example", 3128)),
        ({"https_proxy": "proxy.example"}, ("proxy.example", 80)),
        ({"ALL_PROXY": "socks5://proxy.example"}, ("proxy.example", 1080)),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "other, .googleapis.com"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "no_proxy": "*"}, None),
    ],
)
def test_the_usual_variables_name_the_proxy(environment, expected):
    assert network.proxy_for(model.GEMINI, environment) == expected


# The machine.


def test_few_open_files_are_wrong_and_the_command_that_helps_is_named():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        files = next(finding for finding in machine.limits() if finding.topic == "files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (files.verdict, files.remedy) == ("wrong", "ulimit -n 1024")


@pytest.mark.parametrize(
    ("term", "encoding", "verdict"),
    [
        ("xterm-256color", "utf-8", "ok"),
        ("xterm", "ISO-8859-1", "note"),
        ("dumb", "utf-8", "note"),
        ("", "utf-8", "note"),
    ],
)
def test_a_terminal_without_abilities_is_noted(term, encoding, verdict):
    assert machine.terminal({"TERM": term}, encoding).verdict == verdict


def test_a_pipe_needs_no_terminal():
    assert machine.terminal({}, None).verdict == "ok"


# The directories.


@pytest.fixture
def home(short_dir, monkeypatch):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(short_dir / "new" / "run"))
    monkeypatch.setenv("ANTIPHON_LOG_DIR", str(short_dir / "new" / "log"))
    return short_dir


def verdicts():
    return {finding.topic: finding for finding in places.places("test")}


def test_directories_that_can_be_made_are_well_and_nothing_is_left_of_the_trial(home):
    assert {finding.verdict for finding in verdicts().values()} == {"ok"}
    assert list(home.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_wrong_and_its_variable_named(home):
    (home / "new").write_text("a file stands in the way")
    found = verdicts()
    assert {finding.verdict for finding in found.values()} == {"wrong"}
    assert "ANTIPHON_LOG_DIR" in found["logs"].remedy


def test_a_path_too_long_for_sockets_is_wrong(home, monkeypatch):
    monkeypatch.setenv("ANTIPHON_RUNTIME_DIR", str(home / ("x" * 100)))
    assert "too long" in verdicts()["run files"].said
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_wrong(home):
    run = home / "new" / "run"
    run.mkdir(parents=True)
    os.chown(run, 65534, 65534)
    assert "belongs to user 65534" in verdicts()["run files"].said


# Sound.


def test_a_sound_server_that_left_its_socket_behind_is_wrong(short_dir):
    path = short_dir / "native"
    gone = socket.socket(socket.AF_UNIX)
    gone.bind(str(path))
    gone.close()
    assert sound.server({"PULSE_SERVER": f"unix:{path}"}).verdict == "wrong"


def test_no_sound_server_is_only_noted(short_dir):
    assert sound.server({"PULSE_RUNTIME_PATH": str(short_dir)}).verdict == "note"


def test_file_devices_are_looked_at_where_they_are(tmp_path):
    there = tmp_path / "voice.wav"
    there.write_bytes(b"RIFF")
    settings = Settings(
        actors={
            "mic": {"device": f"file:{there}"},
            "speaker": {"device": f"file:{tmp_path / 'nowhere' / 'out.wav'}"},
            "console": {},
        }
    )
    assert [(found.topic, found.verdict) for found in sound.devices(settings)] == [
        ("mic", "ok"),
        ("speaker", "wrong"),
    ]


def test_a_finding_is_one_line_whatever_is_in_it():
    assert (
        line(Finding("mic", "wrong", "first\nsecond", "do this"))
        == "wrong  mic          first second; do this"
    )


def test_the_fixture_of_these_tests_is_a_real_authority(tmp_path):
    ca_file = tmp_path / "ca.pem"
    make_server_context(ca_file)
    assert ssl.create_default_context(cafile=ca_file).cert_store_stats()["x509_ca"] == 1


# Other machines.


def register(directory, **devices):
    keyring.write_register(directory / keyring.REGISTER, devices)


@pytest.fixture
def keys(short_dir, monkeypatch):
    monkeypatch.setenv("ANTIPHON_CONFIG_DIR", str(short_dir))
    keyring.own_keys(short_dir / keyring.HOST_KEY, make=True)
    return short_dir


def ask_remote(settings, *, is_running=False):
    return [(found.topic, found.verdict) for found in remote.remote(settings, is_running=is_running)]


def with_gate(port):
    kitchen = {"kitchen": {"kind": "speaker", "on": "pi"}}
    gate = GateTable(address="127.0.0.1", control_port=port, media_port=port + 1)
    return Settings(actors=kitchen, gate=gate)


def test_without_devices_on_other_machines_nothing_is_looked_at():
    assert ask_remote(Settings(actors={"mic": {}})) == []


def test_a_gate_needs_its_keys_its_devices_and_its_ports(keys):
    with server(lambda _: None) as port:
        found = ask_remote(with_gate(port))
    assert found[:3] == [("keys", "ok"), ("devices", "note"), ("gate", "wrong")]
    device = keyring.Device(key=keyring.own_keys(keys / keyring.HOST_KEY).public, roles=["speaker"], added="")
    register(keys, pi=device)
    assert ask_remote(with_gate(port), is_running=True) == [("keys", "ok"), ("devices", "ok")]


def test_a_key_that_others_can_read_is_wrong(keys):
    (keys / keyring.HOST_KEY).chmod(0o644)
    assert ("keys", "wrong") in ask_remote(with_gate(1))


def test_a_device_has_to_reach_its_host(keys):
    keyring.own_keys(keys / keyring.DEVICE_KEY, make=True)
    with server(lambda _: None) as port:
        settings = Settings(host=HostTable(address="127.0.0.1", control_port=port, media_port=1))
        assert ask_remote(settings) == [("keys", "ok"), ("host", "ok"), ("host", "wrong")]
