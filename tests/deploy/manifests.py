"""The manifests of deploy/kubernetes, and the schemas of a kube-apiserver to hold them against."""

import json
import os
import subprocess

import jsonschema
import yaml

SOURCE_DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KUBERNETES_DIR = os.path.join(SOURCE_DIR, "deploy", "kubernetes")
_OPENAPI = os.path.join(SOURCE_DIR, "third_party", "kubernetes", "openapi.json")
_EITHER = {"type": ["string", "integer", "number"]}
_LOOSE = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _EITHER,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _EITHER,
}


def load(folder=KUBERNETES_DIR):
    """Every object of the kustomization in `folder`, in its order."""
    with open(os.path.join(folder, "kustomization.yaml"), encoding="utf-8") as f:
        files = yaml.safe_load(f)["resources"]
    objects = []
    for file in files:
        with open(os.path.join(folder, file), encoding="utf-8") as f:
            objects += list(yaml.safe_load_all(f))
    return objects


def make_secrets(folder):
    """The Secrets that make_secrets.sh makes of what is in `folder`."""
    script = os.path.join(KUBERNETES_DIR, "make_secrets.sh")
    out = subprocess.run([script, folder], check=True, capture_output=True, text=True).stdout
    return [o for o in yaml.safe_load_all(out) if o is not None]


def find(objects, kind, name):
    return next(o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)


def _closed(definition):
    """A server drops fields that it does not know; here they are errors."""
    if "properties" in definition:
        return {**definition, "additionalProperties": False}
    return definition


class Schemas:
    def __init__(self):
        with open(_OPENAPI, encoding="utf-8") as f:
            self._definitions = {
                name: _LOOSE.get(name) or _closed(definition)
                for name, definition in json.load(f)["definitions"].items()
            }
        self._names = {
            (group["group"], group["version"], group["kind"]): name
            for name, definition in self._definitions.items()
            for group in definition.get("x-kubernetes-group-version-kind", [])
        }

    def errors(self, obj):
        """What is wrong with an object, each with its place: ["spec.template.spec: ..."]."""
        group, _, version = obj["apiVersion"].rpartition("/")
        name = self._names.get((group, version, obj["kind"]))
        if name is None:
            return [f"no such kind: {obj['apiVersion']} {obj['kind']}"]
        schema = {"$ref": f"#/definitions/{name}", "definitions": self._definitions}
        return [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
            for error in jsonschema.Draft4Validator(schema).iter_errors(obj)
        ]
