"""The Kubernetes manifests put together as kustomize does it: so much of it as they use."""

import os

import jsonpatch
import yaml


def load(path):
    with open(path, encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def _is_meant(document, target):
    return document["kind"] == target["kind"] and document["metadata"]["name"] == target["name"]


def build(folder, components=()):
    """The documents of a folder with a kustomization.yaml, with components on top."""
    folder = os.path.normpath(folder)
    described, = load(os.path.join(folder, "kustomization.yaml"))
    assert set(described) <= {"apiVersion", "kind", "resources", "patches", "images"}, described
    documents = []
    for name in described.get("resources", ()):
        path = os.path.join(folder, name)
        documents += build(path) if os.path.isdir(path) else load(path)
    for component in components:
        documents = _apply(documents, os.path.normpath(component))
    documents = _patch(documents, described, folder)
    for image in described.get("images", ()):
        for pod in pods(documents):
            for container in containers(pod):
                if container["image"] == image["name"]:
                    container["image"] = f"{image['newName']}:{image['newTag']}"
    return documents


def _apply(documents, folder):
    described, = load(os.path.join(folder, "kustomization.yaml"))
    assert described["kind"] == "Component"
    assert set(described) <= {"apiVersion", "kind", "resources", "patches"}, described
    for name in described.get("resources", ()):
        documents = documents + load(os.path.join(folder, name))
    return _patch(documents, described, folder)


def _patch(documents, described, folder):
    for patch in described.get("patches", ()):
        operations = load(os.path.join(folder, patch["path"]))[0] if "path" in patch else yaml.safe_load(patch["patch"])
        meant = [document for document in documents if _is_meant(document, patch["target"])]
        assert len(meant) == 1, patch["target"]
        patched = jsonpatch.apply_patch(meant[0], operations)
        documents = [patched if document is meant[0] else document for document in documents]
    return documents


def pods(documents):
    return [document["spec"]["template"]["spec"] for document in documents if document["kind"] == "Deployment"]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]
