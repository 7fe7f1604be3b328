"""/api, /apis and below: what a client asks before it asks for objects."""

from .resources import GROUPS, RESOURCES

VERSION = {
    "major": "1",
    "minor": "27",
    "gitVersion": "v1.27.0-leadline",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2023-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_KINDS = {"scale": ("autoscaling", "v1", "Scale")}


def _resource_list(group, version):
    entries = []
    for r in RESOURCES:
        if (r.group, r.version) != (group, version):
            continue
        entry = {
            "name": r.plural,
            "singularName": r.singular,
            "namespaced": r.namespaced,
            "kind": r.kind,
            "verbs": _VERBS,
        }
        if r.short:
            entry["shortNames"] = list(r.short)
        if r.categories:
            entry["categories"] = list(r.categories)
        entries.append(entry)
        for sub in r.subresources:
            entry = {
                "name": f"{r.plural}/{sub}",
                "singularName": "",
                "namespaced": r.namespaced,
                "kind": r.kind,
                "verbs": ["get"] if sub == "log" else ["get", "patch", "update"],
            }
            if sub in _SUBRESOURCE_KINDS:
                entry["group"], entry["version"], entry["kind"] = _SUBRESOURCE_KINDS[sub]
            entries.append(entry)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": entries,
    }


def _group(group, version):
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _build():
    documents = {
        "/version": VERSION,
        "/api": {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}],
        },
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(g, v) for g, v in GROUPS],
        },
        "/api/v1": _resource_list("", "v1"),
        # What kubectl apply needs to know: that the server checks fields itself.
        "/openapi/v3": {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}"}
                for path in ["api/v1"] + [f"apis/{g}/{v}" for g, v in GROUPS]
            }
        },
    }
    for group, version in GROUPS:
        documents[f"/apis/{group}"] = {
            "kind": "APIGroup",
            "apiVersion": "v1",
            **_group(group, version),
        }
        documents[f"/apis/{group}/{version}"] = _resource_list(group, version)
    for group, version in [("", "v1")] + GROUPS:
        root = f"apis/{group}/{version}" if group else "api/v1"
        documents[f"/openapi/v3/{root}"] = _openapi(root, group, version)
    return documents


def _openapi(root, group, version):
    paths = {}
    for r in RESOURCES:
        if (r.group, r.version) != (group, version):
            continue
        prefix = f"/{root}/namespaces/{{namespace}}" if r.namespaced else f"/{root}"
        operation = {
            "parameters": [
                {"name": n, "in": "query", "schema": {"type": "string"}}
                for n in ("dryRun", "fieldManager", "fieldValidation")
            ],
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {
                "group": r.group,
                "version": r.version,
                "kind": r.kind,
            },
        }
        paths[f"{prefix}/{r.plural}/{{name}}"] = {"patch": operation}
        paths[f"{prefix}/{r.plural}"] = {"post": {**operation, "x-kubernetes-action": "post"}}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
    }


DOCUMENTS = _build()
