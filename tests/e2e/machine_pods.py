"""Pods that run programs of this machine."""


def with_programs(spec, folder, tools):
    """The pod with the machine's own libraries and programs, and `folder` as /web."""
    shared = {name: f"/{name}" for name in ("etc", "usr", "lib", "lib64")}
    shared.update(web=folder, tools=tools)
    places = {"web": "/web", "tools": "/opt"}
    for name, path in shared.items():
        spec["volumes"].append({"name": name, "hostPath": {"path": path}})
        for container in spec["containers"]:
            container["volumeMounts"] = [
                *container["volumeMounts"],
                {"name": name, "mountPath": places.get(name, path), "readOnly": name != "web"},
            ]
