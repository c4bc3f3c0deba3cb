"""Both ways to authenticate, with the real SDK against a parrot of the test's own: what works, and each refusal."""

import secrets

import pytest
from services import RETIRED, parrot, service_account, token_server
from trees import Tree, tree

from actors.model.parrot.script import Do, Refuse, Rule
from actors.model.parrot.server import Parrot

CONFIG = """
[session]
name = "test"
[actors.keyboard]
[actors.console]
"""


def talk(conversation: Tree, *overrides: str):
    """Say hello; gives exit code, stdout, stderr."""
    process = conversation.start(*(word for override in overrides for word in ("--set", override)))
    out, err = process.communicate(b"hello\n", timeout=60)
    return process.returncode, out.decode(), err.decode()


def at(server: Parrot) -> tuple[str, str]:
    return f"model.base_url={server.base_url}", f"model.ca_file={server.ca_file}"


def test_an_api_key_opens_a_conversation():
    key = secrets.token_urlsafe(20)
    with parrot(key=key) as server, tree(CONFIG, {"GOOGLE_API_KEY": key}) as conversation:
        code, out, err = talk(conversation, *at(server))

        assert (code, out) == (0, "You said: hello\n"), err
        assert "key from GOOGLE_API_KEY" in err
        assert key not in err + conversation.logs()


def test_gemini_api_key_is_used_when_only_that_is_set_and_said_aloud():
    key = secrets.token_urlsafe(20)
    with parrot(key=key) as server, tree(CONFIG, {"GEMINI_API_KEY": key}) as conversation:
        code, out, err = talk(conversation, *at(server))

        assert (code, out) == (0, "You said: hello\n"), err
        assert "key from GEMINI_API_KEY, as GOOGLE_API_KEY is not set" in err


def test_a_service_account_opens_a_conversation_on_vertex():
    token = secrets.token_urlsafe(20)
    with (
        parrot(key=secrets.token_urlsafe(20), bearer=token) as server,
        token_server(token) as uri,
        tree(CONFIG) as conversation,
    ):
        account = service_account(conversation.directory / "account.json", uri)
        code, out, err = talk(conversation, f"model.credentials_path={account}", *at(server))

        assert (code, out) == (0, "You said: hello\n"), err
        assert "Vertex AI (project a-project, us-central1)" in err
        opened = server.journal.named("opened")
        assert "LlmBidiService" in opened[0]["path"]


@pytest.mark.parametrize(
    ("overrides", "environment", "setting"),
    [
        ([], {"GOOGLE_API_KEY": "not-the-key"}, "model.api_key_env"),
        ([f"model.name={RETIRED}"], {"GOOGLE_API_KEY": "THE-KEY"}, "model.name"),
        (["model.live.labels={a='b'}"], {"GOOGLE_API_KEY": "THE-KEY"}, "model.live"),
    ],
    ids=["wrong key", "wrong model", "refused configuration"],
)
def test_what_the_service_refuses_is_one_message_naming_the_setting_after_one_attempt(
    overrides, environment, setting
):
    key = secrets.token_urlsafe(20)
    environment = {name: value.replace("THE-KEY", key) for name, value in environment.items()}
    refuse = Rule(
        do=Do(refuse=Refuse(code=1007, reason='Invalid JSON payload received. Unknown name "labels"'))
    )
    rules = [refuse] if any("labels" in override for override in overrides) else []
    with parrot(key=key, rules=rules) as server, tree(CONFIG, environment) as conversation:
        code, out, err = talk(conversation, *at(server), *overrides)

        assert (code, out) == (6, ""), err
        assert setting in err.splitlines()[-1]
        assert len(server.journal.named("opened")) == 1


def test_a_quota_that_is_used_up_is_said_so_after_one_attempt():
    key = secrets.token_urlsafe(20)
    over = Rule(
        do=Do(refuse=Refuse(code=1011, reason="You exceeded your current quota, please check your plan"))
    )
    with parrot(key=key, rules=[over]) as server, tree(CONFIG, {"GOOGLE_API_KEY": key}) as conversation:
        code, _, err = talk(conversation, *at(server))

        assert code == 6
        assert "quota is used up" in err
        assert len(server.journal.named("opened")) == 1


def test_a_refused_service_account_is_one_message_naming_the_setting():
    with (
        parrot(key=secrets.token_urlsafe(20), bearer=secrets.token_urlsafe(20)) as server,
        token_server("") as uri,
        tree(CONFIG) as conversation,
    ):
        account = service_account(conversation.directory / "account.json", uri)
        code, _, err = talk(conversation, f"model.credentials_path={account}", *at(server))

        assert code == 6
        assert "model.credentials_path" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no file"),
        ("{", "cannot be read as JSON"),
        ('{"type": "authorized_user"}', "has no client_email, private_key, token_uri"),
    ],
)
def test_a_service_account_file_that_cannot_be_one_is_refused_before_anything_starts(content, what):
    with tree(CONFIG) as conversation:
        account = conversation.directory / "account.json"
        if content is not None:
            account.write_text(content)
        code, out, err = talk(conversation, f"model.credentials_path={account}")

        assert (code, out) == (6, "")
        assert "model.credentials_path" in err
        assert what in err


def test_a_key_and_a_service_account_together_are_refused_by_name():
    with tree(CONFIG, {"GOOGLE_API_KEY": "a-key"}) as conversation:
        account = service_account(conversation.directory / "account.json", "http://127.0.0.1:9/token")
        code, _, err = talk(conversation, f"model.credentials_path={account}")

        assert code == 6
        assert "model.credentials_path is set, and so is the variable GOOGLE_API_KEY" in err


def test_a_server_whose_certificate_is_not_trusted_is_named_with_its_setting():
    key = secrets.token_urlsafe(20)
    with parrot(key=key) as server, tree(CONFIG, {"GOOGLE_API_KEY": key}) as conversation:
        code, _, err = talk(conversation, f"model.base_url={server.base_url}")

        assert code == 6
        assert "model.ca_file" in err
