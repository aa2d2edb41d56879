"""Reads deploy/kubernetes as far as the contracts need: resources, kustomizations, and environments of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.contracts.checks import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
#: The values of Temporal's chart, which are no manifest.
VALUES = FOLDER / "temporal-values.yaml"
KUSTOMIZATION = "kustomization.yaml"
#: The image of this repository, with the tag that a kustomization replaces.
IMAGE = "marketplace-orders:RELEASE"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """A resource, and the file that has it."""

    path: Path
    document: Document

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.document["kind"])

    @property
    def name(self) -> str:
        """Its name in the file, before kustomize adds to it."""
        return str(self.document["metadata"]["name"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of its pods."""
        labels: Mapping[str, str] = self.document["spec"]["template"]["metadata"]["labels"]
        return labels

    @property
    def pod(self) -> Document:
        """The specification of its pods."""
        pod: Document = self.document["spec"]["template"]["spec"]
        return pod

    @property
    def container(self) -> Document:
        """Its only container."""
        (container,) = self.pod["containers"]
        return dict(container)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@cache
def manifests() -> tuple[Manifest, ...]:
    """Every resource of the directory."""
    return tuple(Manifest(path, each) for path in files() for each in documents(path))


def files() -> list[Path]:
    """Every file with resources."""
    return [path for path in sorted(FOLDER.rglob("*.yaml")) if path.name != KUSTOMIZATION and path != VALUES]


def documents(path: Path) -> list[Document]:
    """The documents of a file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def of_kind(*kinds: str) -> list[Manifest]:
    """The resources of these kinds."""
    return [each for each in manifests() if each.kind in kinds]


def workloads() -> list[Manifest]:
    """What has pods."""
    return of_kind("Deployment", "Job")


def kustomizations() -> Iterator[tuple[Path, Document]]:
    """Every kustomization: its directory and its content."""
    for path in sorted(FOLDER.rglob(KUSTOMIZATION)):
        yield path.parent, yaml.safe_load(path.read_text())


def config_maps() -> Mapping[str, Mapping[str, str]]:
    """The generated ConfigMaps: their variables by their name."""
    return {
        generated["name"]: {name: value for each in generated["envs"] for name, value in _variables(folder / each)}
        for folder, content in kustomizations()
        for generated in content.get("configMapGenerator", [])
    }


def _variables(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name, value


def environment(workload: Manifest) -> Mapping[str, str]:
    """The variables of its container; one that comes from a field of the pod is that field."""
    found: dict[str, str] = {}
    for source in workload.container.get("envFrom", []):
        found |= config_maps()[source["configMapRef"]["name"]]
    for variable in workload.container.get("env", []):
        found[variable["name"]] = variable["value"] if "value" in variable else _value_from(**variable["valueFrom"])
    return found


def _value_from(
    fieldRef: Mapping[str, str] | None = None,  # noqa: N803 - as in the manifest
    configMapKeyRef: Mapping[str, str] | None = None,  # noqa: N803 - as in the manifest
) -> str:
    if configMapKeyRef:
        return config_maps()[configMapKeyRef["name"]][configMapKeyRef["key"]]
    return fieldRef["fieldPath"] if fieldRef else ""


def secret_keys(workload: Manifest) -> list[str]:
    """The keys of the Secret that it mounts."""
    return [
        item["key"] for volume in workload.pod.get("volumes", []) for item in volume.get("secret", {}).get("items", [])
    ]
