"""Create, update, patch, scale and delete, with the checks that the server makes."""

import re

from . import errors
from .deletion import delete_object
from .patch import apply_patch

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$")


class Writes:
    """Any thread may call; each returns the object as it is stored then."""

    def __init__(self, store):
        self._store = store

    def create(self, request, body):
        self._check_kind(request, body)
        name = body.get("metadata", {}).get("name")
        if name and not _NAME.match(name):
            raise errors.invalid(
                request.resource, name, "metadata.name", f'Invalid value: "{name}"'
            )
        if request.resource.kind == "Pod" and not body.get("spec", {}).get("containers"):
            raise errors.invalid(request.resource, name or "", "spec.containers", "Required value")
        namespace = request.namespace or body.get("metadata", {}).get("namespace") or "default"
        if request.resource.kind == "Namespace":
            body.setdefault("status", {})["phase"] = "Active"
        return self._store.create(
            request.resource, namespace if request.resource.namespaced else "", body
        )

    def update(self, request, body):
        self._check_kind(request, body)
        return self._change(request, lambda current: body)

    def patch(self, request, body, content_type):
        return self._change(request, lambda current: apply_patch(content_type, current, body))

    def _change(self, request, change):
        if request.subresource == "scale":
            return self._scale(request, change)
        return self._store.update(
            request.resource, request.namespace, request.name, change, request.subresource
        )

    def scale_of(self, request):
        obj = self._store.get(request.resource, request.namespace, request.name)
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {
                k: obj["metadata"][k]
                for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
            },
            "spec": {"replicas": obj.get("spec", {}).get("replicas", 1)},
            "status": {"replicas": obj.get("status", {}).get("replicas", 0)},
        }

    def _scale(self, request, change):
        replicas = change(self.scale_of(request)).get("spec", {}).get("replicas", 0)

        def scaled(current):
            current["spec"]["replicas"] = replicas
            return current

        self._store.update(request.resource, request.namespace, request.name, scaled)
        return self.scale_of(request)

    def delete(self, request, options):
        if "gracePeriodSeconds" not in options and request.parameter("gracePeriodSeconds"):
            options = {**options, "gracePeriodSeconds": request.integer("gracePeriodSeconds")}
        return delete_object(
            self._store, request.resource, request.namespace, request.name, options
        )

    @staticmethod
    def _check_kind(request, body):
        if request.subresource == "scale" or not isinstance(body, dict):
            return
        kind = body.get("kind", request.resource.kind)
        if kind != request.resource.kind:
            raise errors.bad_request(
                f"{kind} in version \"{body.get('apiVersion')}\" cannot be handled as a "
                f"{request.resource.kind}"
            )
