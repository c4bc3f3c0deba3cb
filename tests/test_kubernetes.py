"""The manifests are what Kubernetes' published schemas allow, and name what there is."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from supervisor.config import load
from supervisor.plan import Plan
from supervisor.run import _plan

FOLDER = Path(__file__).parents[1] / "configs" / "kubernetes"
VERSIONS = ("1.29", "1.34")
MANIFESTS = [
    document for file in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())
]
BY_KIND = {document["kind"]: document for document in MANIFESTS}
POD = BY_KIND["Deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", MANIFESTS, ids=lambda document: document["kind"])
def test_a_manifest_is_what_the_published_schema_allows(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_field_would_be_found():
    service = BY_KIND["Service"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            service | {"spec": service["spec"] | {"port": []}}, VERSIONS[0], strict=True
        )


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "conversation.toml"
    path.write_text(BY_KIND["ConfigMap"]["data"]["conversation.toml"])
    return load(path)


def test_each_actor_of_the_configuration_has_its_container_and_none_needs_the_key_but_the_session(settings):
    plan: Plan = _plan("console", settings)
    assert {tuple(container["args"]) for container in POD["containers"]} == {
        ("run", spec.name, "/config/conversation.toml") for spec in plan.specs
    }
    with_key = [
        container["name"]
        for container in POD["containers"]
        if any(variable["name"] == "GOOGLE_API_KEY" for variable in container["env"])
    ]
    assert with_key == ["session"]
    with_keys = [
        container["name"]
        for container in POD["containers"]
        if any(mount["name"] == "keys" for mount in container["volumeMounts"])
    ]
    assert with_keys == ["gate"]


def test_the_service_leads_to_the_ports_of_the_gate(settings):
    ports = {port["name"]: port["port"] for port in BY_KIND["Service"]["spec"]["ports"]}
    assert ports == {"control": settings.gate.control_port, "media": settings.gate.media_port}
    gate = next(container for container in POD["containers"] if container["name"] == "gate")
    assert {port["name"]: port["containerPort"] for port in gate["ports"]} == ports


def test_no_container_may_become_root_or_write_where_it_need_not():
    assert POD["securityContext"]["runAsNonRoot"] is True
    for container in [*POD["initContainers"], *POD["containers"]]:
        rights = container["securityContext"]
        assert (
            rights["allowPrivilegeEscalation"],
            rights["readOnlyRootFilesystem"],
            rights["capabilities"],
        ) == (False, True, {"drop": ["ALL"]})
