"""The doctor looks through every camera and screen that is asked for."""

import pytest
from pictures import picture

from actors.settings import Settings
from supervisor.doctor import sight
from supervisor.doctor.finding import Finding


def found(**actors):
    return list(sight.eyes(Settings(actors=actors)))


def test_a_camera_that_sees_is_well_and_tells_what_it_sees(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(picture(size=(320, 200)))
    (finding,) = found(camera={"enabled": True, "device": f"file:{tmp_path}/cat.jpg"})
    assert (finding.topic, finding.verdict) == ("camera", "ok")
    assert finding.said.endswith(": sees 320x200 in 5 kB")


@pytest.mark.parametrize(("enabled", "verdict"), [(True, "wrong"), ("auto", "note")])
def test_a_camera_that_is_not_there_is_wrong_unless_it_may_be_missing(tmp_path, enabled, verdict):
    (finding,) = found(door={"kind": "camera", "enabled": enabled, "device": f"file:{tmp_path}/none.jpg"})
    assert (finding.topic, finding.verdict) == ("door", verdict)
    assert f"there is no {tmp_path}/none.jpg" in finding.said


def test_a_camera_that_cannot_see_is_wrong(tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    (finding,) = found(camera={"enabled": True, "device": f"file:{tmp_path}/text.jpg"})
    assert finding == Finding(
        "camera",
        "wrong",
        f"{tmp_path}/text.jpg: no JPEG, PNG or WebP picture; give JPEG, PNG or WebP pictures",
        "`supervisor devices` lists what there is",
    )


def test_what_is_off_or_elsewhere_or_no_camera_is_not_looked_through():
    assert (
        found(
            camera={}, screen={"enabled": False}, mic={}, door={"kind": "camera", "enabled": True, "on": "pi"}
        )
        == []
    )
