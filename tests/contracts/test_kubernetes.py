"""Contracts of deploy/kubernetes: planted mistakes are found, its processes start, and kustomize builds it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.parts import Part
from services.startup import read
from tests.contracts import kubernetes, manifests
from tests.contracts.checks import ContractBroken
from tests.services.conftest import environment as environment
from tests.services.environment import GOOD
from web.settings import WebSettings

#: A mistake: the file, what is replaced, by what, and what the contract says.
PLANTS: dict[str, tuple[Callable[[], None], str, str, str, str]] = {
    "unknown-field": (
        kubernetes.conform_to_their_schemas,
        *("base/api.yaml", "revisionHistoryLimit: 3", "revisionLimit: 3", "Deployment api in api.yaml is not valid"),
    ),
    "wrong-type": (
        kubernetes.conform_to_their_schemas,
        *("base/web.yaml", "replicas: 2", "replicas: two", "Deployment web in web.yaml is not valid"),
    ),
    "missing-file": (
        kubernetes.kustomizations_name_existing_files,
        *("base/kustomization.yaml", "  - web.yaml", "  - pages.yaml", "pages.yaml, which does not exist"),
    ),
    "forgotten-file": (
        kubernetes.kustomizations_name_existing_files,
        *("base/kustomization.yaml", "  - ingress.yaml\n", "", "No kustomization names ingress.yaml"),
    ),
    "build-of-another-image": (
        kubernetes.kustomizations_name_existing_files,
        *(
            "overlays/plain/build-0-3-0/kustomization.yaml",
            'newTag: "0.3.0"',
            'newTag: "0.3.1"',
            "must be of one build",
        ),
    ),
    "unknown-setting": (
        kubernetes.set_only_settings_that_exist,
        *("base/worker.env", "MAIL_FROM=", "MAIL_SENDER=", "Deployment worker sets MAIL_SENDER"),
    ),
    "setting-of-another-part": (
        kubernetes.set_only_settings_that_exist,
        *("base/web.env", "WEB_PORT=8080", "WEB_PORT=8080\nSHOP_ORIGINS=https://a.example", "sets SHOP_ORIGINS"),
    ),
    "secret-in-the-settings": (
        kubernetes.set_only_settings_that_exist,
        *("base/api.env", "API_HOST=0.0.0.0", "SIGNING_KEY=x", "sets SIGNING_KEY, which api does not read or"),
    ),
    "secret-in-the-environment": (
        kubernetes.set_only_settings_that_exist,
        *("worker/worker.yaml", "configMapRef: { name: worker }", "secretRef: { name: worker }", "mount them as files"),
    ),
    "secret-of-another-part": (
        kubernetes.have_the_secrets_of_their_part,
        *("worker/worker.yaml", "- { key: sms_url, path: sms_url }", "- { key: signing_key, path: signing_key }"),
        "too many or too few secrets: signing_key, sms_url",
    ),
    "secrets-elsewhere": (
        kubernetes.have_the_secrets_of_their_part,
        *(
            "base/web.env",
            "SECRETS_DIR=/run/secrets/market",
            "SECRETS_DIR=/run/secrets/web",
            "Deployment web must mount",
        ),
    ),
    "secret-in-a-manifest": (
        kubernetes.have_the_secrets_of_their_part,
        *("base/namespace.yaml", "kind: Namespace", "kind: Secret", "Secret market: a manifest must not contain"),
    ),
    "root": (
        kubernetes.run_without_rights,
        *("base/migrate.yaml", "runAsUser: 10001", "runAsUser: 0", "Job migrate may do more"),
    ),
    "writable": (
        kubernetes.run_without_rights,
        *(
            "base/web.yaml",
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: false",
            "Deployment web may do more",
        ),
    ),
    "service-variables": (
        kubernetes.run_without_rights,
        *("base/api.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "Deployment api may do more"),
    ),
    "open-secrets": (
        kubernetes.run_without_rights,
        *("base/api.yaml", "defaultMode: 0440", "defaultMode: 0444", "need mode 0440"),
    ),
    "no-limit": (
        kubernetes.run_without_rights,
        *("base/api.yaml", "limits: { memory: 768Mi }", "limits: { cpu: 2 }", "needs a memory limit"),
    ),
    "latest": (
        kubernetes.images_have_a_tag,
        *(
            "base/web.yaml",
            "marketplace-orders:RELEASE",
            "marketplace-orders:latest",
            "marketplace-orders:latest: write",
        ),
    ),
    "budget-of-nobody": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("base/web.yaml", "matchLabels: { app.kubernetes.io/name: web }\n", "matchLabels: { app: web }\n"),
        "PodDisruptionBudget web selects 0 Deployments",
    ),
    "no-such-port": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("base/api.yaml", "targetPort: http }", "targetPort: https }", "leads to a port that api does not have"),
    ),
    "no-such-probe": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("worker/worker.yaml", "path: /readyz", "path: /healthz", "its readinessProbe asks for /healthz"),
    ),
    "probe-of-the-other-port": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("base/web.yaml", "path: /livez, port: metrics", "path: /livez, port: http", "its livenessProbe asks for"),
    ),
    "no-time-to-end": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("base/api.yaml", "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 15", "more than 20 s"),
    ),
    "autoscaler-of-nobody": (
        kubernetes.can_be_found_stopped_and_restarted,
        *("overlays/scaled/scaling.yaml", "kind: Deployment, name: web }", "kind: Deployment, name: pages }"),
        "HorizontalPodAutoscaler web scales a Deployment that does not exist",
    ),
    "another-script": (
        kubernetes.jobs_are_the_scripts_of_compose,
        *(
            "base/temporal-namespace.yaml",
            "RETENTION=72h",
            "RETENTION=7d",
            "the text of deploy/temporal-namespace.sh",
        ),
    ),
    "password-in-values": (
        kubernetes.jobs_are_the_scripts_of_compose,
        *("temporal-values.yaml", "secretKey: password", "password: hunter2", "take the password from a Secret"),
    ),
}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the directory, which the contracts read instead."""
    folder = tmp_path / "kubernetes"
    shutil.copytree(manifests.FOLDER, folder)
    monkeypatch.setattr(manifests, "FOLDER", folder)
    monkeypatch.setattr(kubernetes, "FOLDER", folder)
    monkeypatch.setattr(manifests, "VALUES", folder / "temporal-values.yaml")
    monkeypatch.setattr(kubernetes, "VALUES", folder / "temporal-values.yaml")
    manifests.manifests.cache_clear()
    yield folder
    manifests.manifests.cache_clear()


@pytest.mark.parametrize("case", PLANTS)
def test_a_planted_mistake_is_found(copy: Path, case: str) -> None:
    check, name, before, after, reason = PLANTS[case]
    text = (copy / name).read_text()
    assert before in text
    # The last one, because a budget follows its Deployment.
    start, _, end = text.rpartition(before)
    (copy / name).write_text(f"{start}{after}{end}" if "budget" in case else text.replace(before, after))
    with pytest.raises(ContractBroken) as found:
        check()
    assert reason in str(found.value)


@pytest.mark.parametrize(
    ("name", "part"), [("api", Part.API), ("api-internal", Part.API), ("worker", Part.WORKERS)], ids=str
)
def test_a_process_starts_with_its_settings_and_secrets_alone(
    environment: pytest.MonkeyPatch, tmp_path: Path, name: str, part: Part
) -> None:
    """The production checks accept the manifest; the sender of e-mails is an example that they refuse."""
    _set(environment, tmp_path, name)
    if part is Part.WORKERS:
        with pytest.raises(ValueError, match=r"^MAIL_FROM is an address at a domain that nobody can own"):
            read(parts={part})
        environment.setenv("MAIL_FROM", GOOD["MAIL_FROM"])
    settings = read(parts={part})
    assert not settings.development
    assert settings.api_operations == {"api": "public"}.get(name, "all")
    assert settings.metrics_port == 9100


def test_the_pages_start_with_their_settings_and_secret_alone(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _set(environment, tmp_path, "web")
    settings = WebSettings()
    assert (settings.development, settings.secure, settings.web_secret) == (False, True, GOOD["SECRETS_KEY"])
    services = {each.name: each.document["spec"]["ports"][0]["port"] for each in manifests.of_kind("Service")}
    assert settings.api_url == f"http://api-internal:{services['api-internal']}"
    assert (settings.metrics_host, settings.metrics_port) == ("0.0.0.0", 9100)  # noqa: S104 - in a pod


def _set(environment: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    (workload,) = (each for each in manifests.of_kind("Deployment") if each.name == name)
    for variable in GOOD:
        environment.delenv(variable)
    for variable, value in manifests.environment(workload).items():
        environment.setenv(variable, value)
    for key in manifests.secret_keys(workload):
        (folder / key).write_text(GOOD.get(key.upper(), GOOD["SECRETS_KEY"]))
    environment.setenv("SECRETS_DIR", str(folder))


def build(overlay: Path) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run([kubectl, "kustomize", str(overlay)], check=True, capture_output=True, text=True).stdout
    return [*yaml.safe_load_all(built)]


def containers(built: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The container of each Deployment and Job, by its name."""
    pods = [each for each in built if each["kind"] in ("Deployment", "Job")]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0] for each in pods}


@pytest.mark.parametrize("overlay", ["plain", "scaled"])
def test_kustomize_builds_each_overlay(overlay: str) -> None:
    built = build(manifests.FOLDER / "overlays" / overlay)
    images = {name: container["image"] for name, container in containers(built).items()}
    ours = dict.fromkeys(("api", "api-internal", "web", "migrate", "worker-0-3-0"), "marketplace-orders:0.3.0")
    assert images == ours | {"temporal-namespace": "temporalio/admin-tools:1.32.0"}
    maps = {each["metadata"]["name"] for each in built if each["kind"] == "ConfigMap"}
    referenced = {each["configMapRef"]["name"] for each in containers(built)["worker-0-3-0"]["envFrom"]}
    assert referenced <= maps
    assert {name.rpartition("-")[0] for name in referenced} == {"application", "worker"}
    (address, *_) = containers(built)["temporal-namespace"]["env"]
    assert address["valueFrom"]["configMapKeyRef"]["name"] in maps
    replicas = {each["spec"].get("replicas") for each in built if each["kind"] == "Deployment"}
    assert replicas == ({2} if overlay == "plain" else {None})


def test_a_new_build_leaves_the_old_one_as_it_is(copy: Path) -> None:
    """The upgrade of docs/kubernetes.md: a directory more, another tag of the release."""
    overlay = copy / "overlays" / "scaled"
    shutil.copytree(overlay / "build-0-3-0", overlay / "build-0-4-0")
    for path in (overlay / "build-0-4-0" / manifests.KUSTOMIZATION, overlay / "release" / manifests.KUSTOMIZATION):
        path.write_text(path.read_text().replace("0-3-0", "0-4-0").replace("0.3.0", "0.4.0"))
    top = overlay / manifests.KUSTOMIZATION
    top.write_text(top.read_text().replace("  - build-0-3-0\n", "  - build-0-3-0\n  - build-0-4-0\n"))
    kubernetes.kustomizations_name_existing_files()
    built = build(overlay)
    images = {name: container["image"].partition(":")[2] for name, container in containers(built).items()}
    assert images["worker-0-3-0"] == "0.3.0"
    assert {images[name] for name in ("worker-0-4-0", "api", "api-internal", "web", "migrate")} == {"0.4.0"}
    selectors = {
        (each["kind"], each["metadata"]["name"]): each["spec"]["selector"]["matchLabels"]["market/build"]
        for each in built
        if each["metadata"]["name"].startswith("worker-0") and each["kind"] in ("Deployment", "PodDisruptionBudget")
    }
    assert {name[1]: build for name, build in selectors.items()} == {"worker-0-3-0": "0.3.0", "worker-0-4-0": "0.4.0"}
    assert len(selectors) == 4
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["triggers"][0]["metadata"]["workerDeploymentBuildId"]
        for each in built
        if each["kind"] == "ScaledObject"
    }
    assert scaled == {"worker-0-3-0": "0.3.0", "worker-0-4-0": "0.4.0"}
