"""What deleting means: a pod that runs is marked for its kubelet, other objects go at once."""

from . import errors
from .resources import BY_KIND

_DEFAULT_GRACE_S = 30


def delete_object(store, resource, namespace, name, options=None):
    """`options` as a DeleteOptions. Returns the object, marked or gone."""
    options = options or {}
    obj = store.get(resource, namespace, name)
    uid = (options.get("preconditions") or {}).get("uid")
    if uid and uid != obj["metadata"]["uid"]:
        raise errors.conflict(resource, name)
    if options.get("propagationPolicy") == "Orphan":
        _orphan_dependents(store, obj["metadata"]["uid"])
    if resource.kind == "Namespace":
        return store.mark_deleted(resource, "", name, 0)
    grace_s = options.get("gracePeriodSeconds")
    if grace_s is None:
        grace_s = obj.get("spec", {}).get("terminationGracePeriodSeconds", _DEFAULT_GRACE_S)
    ended = obj.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if resource.kind == "Pod" and obj["spec"].get("nodeName") and grace_s > 0 and not ended:
        return store.mark_deleted(resource, namespace, name, grace_s)
    return store.delete(resource, namespace, name)


def _orphan_dependents(store, uid):
    for resource in BY_KIND.values():
        for obj in store.list(resource)[0]:
            references = obj["metadata"].get("ownerReferences") or []
            if not any(r["uid"] == uid for r in references):
                continue

            def without(current):
                current["metadata"]["ownerReferences"] = [r for r in references if r["uid"] != uid]
                return current

            store.update(
                resource, obj["metadata"].get("namespace"), obj["metadata"]["name"], without
            )
