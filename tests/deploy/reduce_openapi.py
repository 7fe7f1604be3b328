#!/usr/bin/python3
"""Reduces a kube-apiserver's OpenAPI v2 document to the kinds that deploy/ uses.

Usage: reduce_openapi.py swagger.json > third_party/kubernetes/openapi.json
"""

import json
import sys

KINDS = {
    ("", "ConfigMap"),
    ("", "Namespace"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "StatefulSet"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
}
_PREFIX = "#/definitions/"


def is_wanted(definition):
    return any(
        (g["group"], g["kind"]) in KINDS and g["version"] == "v1"
        for g in definition.get("x-kubernetes-group-version-kind", [])
    )


def references(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_PREFIX)
        schema = schema.values()
    elif not isinstance(schema, list):
        return
    for part in schema:
        yield from references(part)


def without_descriptions(schema):
    """A property of that name is a schema, a description is a text."""
    if isinstance(schema, dict):
        return {
            k: without_descriptions(v)
            for k, v in schema.items()
            if not (k == "description" and isinstance(v, str))
        }
    return [without_descriptions(v) for v in schema] if isinstance(schema, list) else schema


def reduce(document):
    definitions = document["definitions"]
    due = [name for name, definition in definitions.items() if is_wanted(definition)]
    kept = {}
    while due:
        name = due.pop()
        if name not in kept:
            kept[name] = without_descriptions(definitions[name])
            due.extend(references(definitions[name]))
    return {"definitions": dict(sorted(kept.items()))}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as f:
        json.dump(reduce(json.load(f)), sys.stdout, indent=1)
    print()
