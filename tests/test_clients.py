"""The SDK's client is made once for one access, and anew when the access changes."""

import json

import pytest

from actors.model import clients
from actors.runtime.exits import ActorExit
from actors.settings import ModelTable


def table(**more):
    return ModelTable(provider="gemini", name="models/x", api_key_env="A_KEY", **more)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("A_KEY", "first")


def test_one_access_has_one_client(tmp_path):
    assert clients.get(table(), tmp_path) is clients.get(table(), tmp_path)


def test_another_key_is_another_client(tmp_path, monkeypatch):
    before = clients.get(table(), tmp_path)
    monkeypatch.setenv("A_KEY", "second")
    assert clients.get(table(), tmp_path) is not before


def test_no_key_is_refused_by_its_name(tmp_path, monkeypatch):
    monkeypatch.delenv("A_KEY")
    with pytest.raises(ActorExit, match="A_KEY"):
        clients.get(table(), tmp_path)


def test_a_parrot_that_was_started_anew_is_another_access(tmp_path):
    at = tmp_path / "parrot.json"
    parrot = ModelTable(provider="parrot")
    at.write_text(json.dumps({"port": 1, "ca_file": "", "key": "k"}))
    first = clients.access(parrot, tmp_path)
    assert clients.access(parrot, tmp_path) == first
    at.write_text(json.dumps({"port": 2, "ca_file": "", "key": "k"}))
    assert clients.access(parrot, tmp_path) != first


def test_credentials_that_are_replaced_are_another_access(tmp_path):
    path = tmp_path / "account.json"
    vertex = ModelTable(provider="vertex", project_id="p", location="l", credentials_path=str(path))
    without = clients.access(vertex, tmp_path)
    path.write_text("{}")
    assert clients.access(vertex, tmp_path) != without


def test_the_key_is_in_no_traceback(tmp_path):
    assert "first" not in repr(clients.access(table(), tmp_path))
