"""The types of the settings: what each table takes, and that two descriptions of one thing agree."""

import msgspec
import pytest

from actors.model.parrot.options import ParrotOptions
from actors.settings import (
    TABLE_OF_KIND,
    ActorTable,
    KeyboardTable,
    MicTable,
    ModelTable,
    ParrotTable,
    SessionTable,
    Settings,
    SpeakerTable,
)
from supervisor.spec import KINDS


def fields_of(kind):
    return {field.name: (field.type, field.default) for field in msgspec.structs.fields(kind)}


def bounds_of(kind):
    return {field.name: field.type for field in msgspec.inspect.type_info(kind).fields}


def test_the_parrots_table_and_its_options_agree_key_by_key():
    common = set(fields_of(ActorTable))
    table = {key: value for key, value in fields_of(ParrotTable).items() if key not in common}
    options = {key: value for key, value in fields_of(ParrotOptions).items() if key != "ca_file"}
    assert {key: default for key, (_, default) in table.items()} == {
        key: default for key, (_, default) in options.items()
    }
    assert {key: bounds_of(ParrotTable)[key] for key in table} == {
        key: bounds_of(ParrotOptions)[key] for key in options
    }


def test_every_kind_with_a_table_is_a_kind_of_actor():
    assert set(TABLE_OF_KIND) <= set(KINDS)


def test_an_actors_table_is_typed_and_defaults_where_it_says_nothing():
    settings = Settings(actors={"mic": {"frame_ms": 40}, "kitchen": {"kind": "speaker", "device": "USB"}})
    assert settings.table("mic", "mic") == MicTable(frame_ms=40)
    assert settings.table("kitchen", "speaker") == SpeakerTable(kind="speaker", device="USB")
    assert settings.table("keyboard", "keyboard") == KeyboardTable()
    assert settings.table("session", "session") == ActorTable()


def test_settings_travel_to_a_child_and_stay_the_same():
    settings = Settings(
        session=SessionTable(name="a"),
        model=ModelTable(live={"temperature": 0.5}, tools=["a:b"]),
        actors={"parrot": {"missing_models": ["x"], "audio_speed": 0}},
    )
    travelled = msgspec.json.decode(msgspec.json.encode(settings), type=Settings)
    assert travelled == settings
    assert travelled.table("parrot", "parrot") == ParrotTable(missing_models=("x",), audio_speed=0)


@pytest.mark.parametrize("name", ["default", "A1", "my-conversation_2.0", "x" * 32])
def test_a_name_of_letters_digits_and_a_few_signs_is_a_name(name):
    assert msgspec.convert({"name": name}, SessionTable).name == name


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "a/b", "a b", "ü", "x" * 33, "x\n"])
def test_a_name_that_could_be_a_path_or_an_option_is_none(name):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": name}, SessionTable)
