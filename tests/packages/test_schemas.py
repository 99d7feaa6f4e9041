"""Files for other programs, held against what these programs publish about them."""

import copy
import json
import os
import shutil
import subprocess

import pytest

import manifests

# One version each: a schema that changes is a change of ours, not of the day.
NPM = ("kubernetes-models@5.1.0", "@kubernetes-models/prometheus-operator@6.0.0",
       "@kubernetes-models/cert-manager@6.0.0", "@cyclonedx/cyclonedx-library@10.3.0")
KINDS = {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}


def kubernetes(top, name):
    return os.path.join(top, "deploy/kubernetes", name)


@pytest.fixture(scope="module")
def faults_of(tmp_path_factory):
    """What the schemas say of {"manifests": ...} or {"bill": ...}."""
    for name in ("npm", "node"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed; see deploy/install-packages")
    folder = str(tmp_path_factory.mktemp("npm"))
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
                           "--prefix", folder, *NPM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm gives no schemas: {done.stdout[-300:]}")
    script = shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas.mjs"), folder)

    def ask(**asked):
        answer = subprocess.run(["node", script], input=json.dumps(asked), capture_output=True, text=True, timeout=120,
                                check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout
    return ask


SETS = {
    "base": ("base", (), KINDS),
    "native-sidecar": ("native-sidecar", (), KINDS),
    "monitoring": ("base", ("monitoring",), KINDS | {"PodMonitor"}),
    "cert-manager": ("base", ("cert-manager",), KINDS | {"Certificate"}),
}


@pytest.fixture(params=SETS)
def documents(request, top):
    folder, components, kinds = SETS[request.param]
    made = manifests.build(kubernetes(top, folder), [kubernetes(top, name) for name in components])
    assert {document["kind"] for document in made} == kinds
    return made


def test_manifests(documents, faults_of):
    assert faults_of(manifests=documents) == ""


def test_schemas_find_a_mistake(top, faults_of):
    """Else the test above could not fail."""
    for change in (lambda pod: pod["containers"][0].pop("name"), lambda pod: pod.update(containers="none"),
                   lambda pod: pod["containers"][1]["securityContext"].update(runAsUser="moat")):
        documents = copy.deepcopy(manifests.build(kubernetes(top, "base")))
        change(manifests.pods(documents)[0])
        assert "Deployment broker" in faults_of(manifests=documents)


def test_every_container_has_little_to_lose(documents):
    pod, = manifests.pods(documents)
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert len(manifests.containers(pod)) == 2
    for container in manifests.containers(pod):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]} and context["runAsUser"] > 0
        assert "memory" in container["resources"]["limits"]


def test_native_sidecar_is_up_before_the_broker(top):
    pod, = manifests.pods(manifests.build(kubernetes(top, "native-sidecar")))
    sidecar, = pod["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("moat", "Always") and sidecar["startupProbe"]
    assert [container["name"] for container in pod["containers"]] == ["mosquitto"]


@pytest.mark.parametrize("name", ["base", "native-sidecar"])
def test_kustomize_makes_the_same(top, name):
    """Ours is a small part of it; where there is a kubectl that can, the result is compared."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed; Debian's kubernetes-client is too old to know patches")
    done = subprocess.run(["kubectl", "kustomize", kubernetes(top, name)], capture_output=True, text=True, check=False)
    if "unknown field" in done.stderr:
        pytest.skip(f"this kubectl is too old: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr

    def by_kind(made):
        return sorted(made, key=lambda document: document["kind"])
    assert by_kind(manifests.yaml.safe_load_all(done.stdout)) == by_kind(manifests.build(kubernetes(top, name)))


def test_pod_monitor_asks_where_the_gate_answers(top):
    documents = manifests.build(kubernetes(top, "base"), [kubernetes(top, "monitoring")])
    gate = next(one for one in manifests.containers(manifests.pods(documents)[0]) if one["name"] == "moat")
    monitor, = [document["spec"] for document in documents if document["kind"] == "PodMonitor"]
    endpoint, = monitor["podMetricsEndpoints"]
    port = next(one["containerPort"] for one in gate["ports"] if one["name"] == endpoint["port"])
    assert gate["env"] == [{"name": "MOAT_ADMIN_HTTP", "value": f"0.0.0.0:{port}"}]
    assert endpoint["path"] == "/readyz"


def test_compose_file(top):
    """docker-compose of Debian knows the schema, and needs no engine to say what it thinks."""
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed; see deploy/install-packages")
    done = subprocess.run(["docker-compose", "-f", os.path.join(top, "deploy/container/compose.yaml"), "config"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services = manifests.yaml.safe_load(done.stdout)["services"]
    assert services["moat"]["network_mode"] == "service:broker" and "ports" not in services["moat"]
    assert services["broker"]["image"] == "eclipse-mosquitto:2"
    for source in (services["moat"]["build"]["dockerfile"],
                   os.path.join("deploy/container", os.path.basename(services["broker"]["volumes"][0].split(":")[0]))):
        assert os.path.isfile(os.path.join(top, source))


def test_compose_schema_finds_a_typo(top, tmp_path):
    with open(os.path.join(top, "deploy/container/compose.yaml"), encoding="utf-8") as file:
        text = file.read()
    (tmp_path / "compose.yaml").write_text(text.replace("read_only:", "readonly:"), encoding="utf-8")
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed; see deploy/install-packages")
    done = subprocess.run(["docker-compose", "-f", str(tmp_path / "compose.yaml"), "config"], capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0 and "readonly" in done.stderr


def test_bill_of_materials(top, faults_of):
    bill = subprocess.run([os.path.join(top, "deploy/sbom")], capture_output=True, text=True, check=True).stdout
    assert faults_of(bill=bill) == ""
    assert "bomFormat" in faults_of(bill=bill.replace('"CycloneDX"', '"Other"', 1))
