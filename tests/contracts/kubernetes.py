"""Contracts of deploy/kubernetes that need no cluster: schemas, and what kustomize and Kubernetes do not check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import dedent

import kubernetes_validate
import yaml

from api.access.operations import OPERATIONS
from services.parts import Part
from services.setting_declarations import declared_in
from services.settings import all_settings
from tests.contracts.checks import ROOT, ContractBroken
from tests.contracts.containers import UNUSED
from tests.contracts.manifests import (
    FOLDER,
    IMAGE,
    KUSTOMIZATION,
    VALUES,
    Manifest,
    config_maps,
    environment,
    files,
    kustomizations,
    manifests,
    of_kind,
    secret_keys,
    workloads,
)
from tests.contracts.settings_pages import secrets_of
from web.settings import WebSettings

#: Versions of Kubernetes whose schemas the manifests conform to.
VERSIONS = ("1.34", "1.37")
#: Kinds of other projects, which these schemas do not have.
OTHER_KINDS = {"ScaledObject"}
PARTS = {part.value: part for part in (Part.API, Part.WEB, Part.MIGRATE)} | {"worker": Part.WORKERS}
#: What services/secret_files.py reads; it is no setting.
DIRECTORY = "SECRETS_DIR"
#: Seconds above which the grace of a process must be: ten of draining, ten of running requests or steps.
GRACE = 20
#: The paths of health that a listener has, by its port: the API's own, the workers' (workers/health.py), the pages'.
_HEALTH = {"http": {"/livez", "/readyz"}, "metrics": {"/livez", "/readyz", "/metrics"}}
_HEALTH_OF_PAGES = {"http": {"/readyz"}, "metrics": {"/livez", "/metrics"}}


def conform_to_their_schemas() -> None:
    """Every manifest of deploy/kubernetes conforms to the schemas of Kubernetes, without unknown fields."""
    for each in manifests():
        if each.kind in OTHER_KINDS:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(each.document, version, strict=True)
            except Exception as error:
                raise ContractBroken(f"{each} in {each.path.name} is not valid for {version}: {error}") from error


def kustomizations_name_existing_files() -> None:
    """Every kustomization names files that exist, and every manifest is named by one; the names of builds agree."""
    named = set()
    for folder, content in kustomizations():
        for resource in [*content["resources"], *(env for each in _generated(content) for env in each["envs"])]:
            path = (folder / resource).resolve()
            named.add(path)
            if not (path.is_file() or (path / KUSTOMIZATION).is_file()):
                raise ContractBroken(f"{folder.name}/{KUSTOMIZATION} names {resource}, which does not exist.")
        if "nameSuffix" in content:
            _check_build(folder.name, content)
    if unnamed := [path.name for path in files() if path not in named]:
        raise ContractBroken(f"No kustomization names {', '.join(unnamed)}.")


def _generated(content: Mapping[str, list[Mapping[str, list[str]]]]) -> list[Mapping[str, list[str]]]:
    return content.get("configMapGenerator", [])


def _check_build(folder: str, content: Mapping[str, object]) -> None:
    text = yaml.safe_dump(content)
    builds = {*re.findall(r"market/build: '?([\w.-]+?)'?$|newTag: '?([\w.-]+?)'?$", text, re.MULTILINE)}
    names = {next(filter(None, pair)) for pair in builds}
    if {f"-{name.replace('.', '-')}" for name in names} != {content["nameSuffix"]} or not folder.endswith(
        str(content["nameSuffix"])
    ):
        raise ContractBroken(f"{folder}: its name, nameSuffix, label market/build and newTag must be of one build.")


def set_only_settings_that_exist() -> None:
    """Every variable of a manifest is a setting that its process reads, and not a secret."""
    used = {source for each in workloads() for source in _sources(each)}
    for workload in workloads():
        component = workload.labels["app.kubernetes.io/component"]
        known = _settings_of(workload, component)
        for name in environment(workload).keys() - known:
            raise ContractBroken(f"{workload} sets {name}, which {component} does not read or which is a secret.")
    if unused := config_maps().keys() - used:
        raise ContractBroken(f"No process reads the variables of {', '.join(sorted(unused))}.")


def _sources(workload: Manifest) -> Iterator[str]:
    for source in workload.container.get("envFrom", []):
        if [*source] != ["configMapRef"]:
            raise ContractBroken(f"{workload} has secrets in its environment: mount them as files.")
        yield source["configMapRef"]["name"]


def _settings_of(workload: Manifest, component: str) -> set[str]:
    if component not in PARTS:
        script = "\n".join(workload.container["command"])
        return {*re.findall(r"\$(?:\{)?([A-Z_]+)", script), "HOME", "TEMPORAL_ADDRESS"}
    part = PARTS[component]
    declared = [*all_settings(), *declared_in(WebSettings)]
    return {each.name for each in declared if part in each.declared.parts and not each.declared.secret} | {DIRECTORY}


def have_the_secrets_of_their_part() -> None:
    """Each process mounts the secrets that it needs and no others, by reference; no manifest contains one."""
    if secret := of_kind("Secret"):
        raise ContractBroken(f"{secret[0]}: a manifest must not contain a secret (docs/kubernetes.md creates them).")
    for workload in workloads():
        part = PARTS.get(workload.labels["app.kubernetes.io/component"])
        needed = {name.lower() for name in secrets_of(part)} - {name.lower() for name in UNUSED} if part else set()
        if {*secret_keys(workload)} != needed:
            different = ", ".join(sorted({*secret_keys(workload)} ^ needed))
            raise ContractBroken(f"{workload} has too many or too few secrets: {different}.")
        if needed and environment(workload).get(DIRECTORY) != _mounted(workload, "secrets"):
            raise ContractBroken(f"{workload} must mount its secrets at {DIRECTORY}.")


def _mounted(workload: Manifest, volume: str) -> str | None:
    mounts = workload.container.get("volumeMounts", [])
    return next((each["mountPath"] for each in mounts if each["name"] == volume), None)


def run_without_rights() -> None:
    """Every pod runs as 10001 with a read-only root, without capabilities, tokens and variables of other Services."""
    for workload in workloads():
        pod, container = workload.pod, workload.container
        asked = {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        closed = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        off = [pod.get(name) for name in ("automountServiceAccountToken", "enableServiceLinks")]
        modes = [volume["secret"].get("defaultMode") for volume in pod["volumes"] if "secret" in volume]
        if (pod.get("securityContext"), container.get("securityContext"), off) != (asked, closed, [False, False]):
            raise ContractBroken(f"{workload} may do more than it needs: compare its securityContext with the others.")
        if any(mode != 0o440 for mode in modes):
            raise ContractBroken(f"{workload}: the files of its secrets need mode 0440.")
        if "memory" not in container["resources"]["limits"] or "cpu" not in container["resources"]["requests"]:
            raise ContractBroken(f"{workload} needs a memory limit and a request of processor time.")


def images_have_a_tag() -> None:
    """Our own image has the tag that a kustomization replaces, every other image a version."""
    for workload in workloads():
        image = workload.container["image"]
        if image != IMAGE and (image.startswith("marketplace-orders") or not re.search(r":\d", image)):
            raise ContractBroken(f"{workload} uses {image}: write {IMAGE}, or an image with a version.")


def can_be_found_stopped_and_restarted() -> None:
    """Services, budgets and autoscalers belong to a Deployment, probes to its ports, and each has time to end."""
    deployments = {each.name: each for each in of_kind("Deployment")}
    for each in of_kind("Service"):
        _only(each, each.document["spec"]["selector"], deployments)
    budgets = [_only(each, each.document["spec"]["selector"]["matchLabels"], deployments) for each in _budgets()]
    if sorted(budgets) != sorted(deployments):
        raise ContractBroken("Each Deployment needs one PodDisruptionBudget.")
    for each in of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        if each.document["spec"]["scaleTargetRef"]["name"] not in deployments:
            raise ContractBroken(f"{each} scales a Deployment that does not exist.")
    for each in deployments.values():
        _check_probes(each)
        if each.pod.get("terminationGracePeriodSeconds", 0) <= GRACE:
            raise ContractBroken(f"{each} needs more than {GRACE} s to end.")


def _budgets() -> list[Manifest]:
    return of_kind("PodDisruptionBudget")


def _only(each: Manifest, selector: Mapping[str, str], deployments: Mapping[str, Manifest]) -> str:
    found = [name for name, other in deployments.items() if selector.items() <= other.labels.items()]
    if len(found) != 1:
        raise ContractBroken(f"{each} selects {len(found)} Deployments: {selector}.")
    ports = {port["name"] for port in deployments[found[0]].container["ports"]}
    for port in each.document["spec"].get("ports", []):
        if port["targetPort"] not in ports:
            raise ContractBroken(f"{each} leads to a port that {found[0]} does not have: {port['targetPort']}.")
    return found[0]


def _check_probes(each: Manifest) -> None:
    ports = {port["name"] for port in each.container["ports"]}
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = each.container.get(name, {}).get("httpGet", {})
        port, path = probe.get("port"), probe.get("path")
        known = (_HEALTH_OF_PAGES if each.name == "web" else _HEALTH).get(str(port), set())
        if port not in ports or path not in known or f"GET {path}" not in OPERATIONS:
            raise ContractBroken(f"{each}: its {name} asks for {path} at {port}, which nobody answers.")


def jobs_are_the_scripts_of_compose() -> None:
    """The Job of Temporal's namespace runs deploy/temporal-namespace.sh, and Temporal's values hold no password."""
    (job,) = (each for each in of_kind("Job") if each.name == "temporal-namespace")
    script = (ROOT / "deploy" / "temporal-namespace.sh").read_text()
    if dedent(job.container["command"][-1]).strip() != script.strip():
        raise ContractBroken(f"{job.path.relative_to(FOLDER)} must have the text of deploy/temporal-namespace.sh.")
    values = yaml.safe_load(VALUES.read_text())
    dynamic = yaml.safe_load((ROOT / "deploy" / "temporal-dynamic.yaml").read_text())
    stores = values["server"]["config"]["persistence"]["datastores"].values()
    if any("password" in store["sql"] or not store["sql"]["existingSecret"] for store in stores):
        raise ContractBroken("temporal-values.yaml must take the password from a Secret (existingSecret).")
    if values["server"]["dynamicConfig"] != dynamic:
        raise ContractBroken("temporal-values.yaml must have the settings of deploy/temporal-dynamic.yaml.")


CHECKS = (
    conform_to_their_schemas,
    kustomizations_name_existing_files,
    set_only_settings_that_exist,
    have_the_secrets_of_their_part,
    run_without_rights,
    images_have_a_tag,
    can_be_found_stopped_and_restarted,
    jobs_are_the_scripts_of_compose,
)
