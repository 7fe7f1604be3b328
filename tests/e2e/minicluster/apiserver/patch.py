"""JSON merge patch (RFC 7386), JSON patch (RFC 6902) and strategic merge patch."""

import copy

from .errors import bad_request

# How strategic merge tells the items of a list apart, by the list's name.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "conditions": "type",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "containerStatuses": "name",
    "tolerations": "key",
}


def merge_patch(target, patch):
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_patch(target, patch):
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {k: v for k, v in result.items() if k in retained}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.split("/", 1)[1]
            result[name] = [v for v in result.get(name, []) if v not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic_patch(result.get(key), value)
        elif isinstance(value, list) and _items_by_key(key, value) is not None:
            result[key] = _merge_list(result.get(key) or [], value, _items_by_key(key, value))
        else:
            result[key] = copy.deepcopy(value)
    return result


def _items_by_key(name, items):
    if name == "ports" and any("port" in i for i in items if isinstance(i, dict)):
        return "port"  # a Service's
    key = _MERGE_KEYS.get(name)
    return key if key and all(isinstance(i, dict) for i in items) else None


def _merge_list(current, patches, key):
    result = [copy.deepcopy(i) for i in current]
    for patch in patches:
        at = next((i for i, item in enumerate(result) if item.get(key) == patch.get(key)), None)
        if patch.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(strategic_patch({}, patch))
        else:
            result[at] = strategic_patch(result[at], patch)
    return result


def json_patch(target, operations):
    result = copy.deepcopy(target)
    for operation in operations:
        parts = [p.replace("~1", "/").replace("~0", "~") for p in operation["path"].split("/")[1:]]
        at = result
        for part in parts[:-1]:
            at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
        last, op = parts[-1], operation["op"]
        if isinstance(at, list):
            index = len(at) if last == "-" else int(last)
            if op == "add":
                at.insert(index, operation["value"])
            elif op == "replace":
                at[index] = operation["value"]
            else:
                del at[index]
        elif op in ("add", "replace"):
            at[last] = operation["value"]
        elif op == "remove":
            at.pop(last, None)
        else:
            raise bad_request(f"JSON patch operation {op!r} is not supported")
    return result


def apply_patch(content_type, target, patch):
    kind = (content_type or "").split(";")[0].strip()
    if kind == "application/json-patch+json":
        return json_patch(target, patch)
    if kind == "application/merge-patch+json":
        return merge_patch(target, patch)
    if kind in ("application/strategic-merge-patch+json", ""):
        return strategic_patch(target, patch)
    raise bad_request(f"the body of the request was in an unknown format: {kind}")
