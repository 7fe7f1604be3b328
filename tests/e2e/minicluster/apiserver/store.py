"""Objects by resource and name, one global resourceVersion, a bounded history for watches.

Objects are never changed in place: each write stores a new one, so that what a reader got stays as
it was. Every write makes exactly one event and takes the next resourceVersion. Any thread may call.
"""

import copy
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Optional

from . import errors
from .resources import BY_KIND, Resource

FIRST_RESOURCE_VERSION = 1000
_NAMESPACES = BY_KIND["Namespace"]


@dataclass(frozen=True)
class Event:
    rv: int
    type: str  # ADDED, MODIFIED, DELETED
    resource: Resource
    obj: dict
    previous: Optional[dict]


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Store:
    def __init__(self, history=2000, uid_prefix=None):
        """`uid_prefix`: the first eight hex digits of every uid, or None for random ones."""
        self._objects = {}  # resource -> {(namespace, name): object}
        self._history = deque()
        self._history_limit = history
        self._changed = threading.Condition()
        self._rv = FIRST_RESOURCE_VERSION
        self._oldest = FIRST_RESOURCE_VERSION  # watches can begin from here on
        self._uid_prefix = uid_prefix
        self._closed = False

    # --- reading ---

    @property
    def resource_version(self):
        with self._changed:
            return self._rv

    def get(self, resource, namespace, name):
        with self._changed:
            obj = self._objects.get(resource, {}).get((namespace or "", name))
        if obj is None:
            raise errors.not_found(resource, name)
        return obj

    def find(self, resource, namespace, name):
        with self._changed:
            return self._objects.get(resource, {}).get((namespace or "", name))

    def list(self, resource, namespace=None, matches=None):
        """The objects in name order and the resourceVersion that they are consistent at."""
        with self._changed:
            items = sorted(self._objects.get(resource, {}).items())
            rv = self._rv
        return [
            o
            for (ns, _), o in items
            if (not namespace or ns == namespace) and (matches is None or matches(o))
        ], rv

    def events_after(self, rv, timeout_s):
        """Events newer than rv; waits up to timeout_s for the first. 410 when they are forgotten."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._rv > rv or self._closed or rv < self._oldest, timeout_s
            )
            if rv < self._oldest:
                raise errors.expired(f"too old resource version: {rv} ({self._oldest})")
            newer = self._rv - rv
            start = max(0, len(self._history) - newer)
            return [self._history[i] for i in range(start, len(self._history))]

    # --- writing ---

    def create(self, resource, namespace, obj):
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        if not metadata.get("name") and not metadata.get("generateName"):
            raise errors.invalid(
                resource, "", "metadata.name", "Required value: name or generateName is required"
            )
        with self._changed:
            if resource.namespaced and ("", namespace) not in self._objects.get(_NAMESPACES, {}):
                raise errors.not_found(_NAMESPACES, namespace)
            if not metadata.get("name"):
                metadata["name"] = metadata["generateName"] + random_suffix()
            key = (namespace or "", metadata["name"])
            if key in self._objects.get(resource, {}):
                raise errors.already_exists(resource, metadata["name"])
            if resource.namespaced:
                metadata["namespace"] = namespace
            metadata["uid"] = self._new_uid()
            metadata["creationTimestamp"] = now()
            if "spec" in obj:
                metadata["generation"] = 1
            return self._put(resource, key, obj, "ADDED")

    def update(self, resource, namespace, name, change, subresource=None):
        """Stores change(copy of the object); a resourceVersion in it must be the current one.

        As a change of status leaves the rest alone, and the reverse, only that part is taken.
        An update that changes nothing makes no event.
        """
        with self._changed:
            current = self.get(resource, namespace, name)
            obj = change(copy.deepcopy(current))
            wanted = obj.get("metadata", {}).get("resourceVersion")
            if wanted and wanted != current["metadata"]["resourceVersion"]:
                raise errors.conflict(resource, name)
            obj = _merge_parts(current, obj, subresource, "status" in resource.subresources)
            for immutable in ("uid", "creationTimestamp", "name", "namespace", "deletionTimestamp"):
                if immutable in current["metadata"]:
                    obj["metadata"][immutable] = current["metadata"][immutable]
            obj["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
            if obj == current:
                return current
            if obj.get("spec") != current.get("spec"):
                obj["metadata"]["generation"] = current["metadata"].get("generation", 0) + 1
            return self._put(resource, (namespace or "", name), obj, "MODIFIED")

    def mark_deleted(self, resource, namespace, name, grace_s):
        """Sets deletionTimestamp, as the server does while a kubelet still has to stop the pod."""
        with self._changed:
            obj = copy.deepcopy(self.get(resource, namespace, name))
            if "deletionTimestamp" in obj["metadata"]:
                return obj
            obj["metadata"]["deletionTimestamp"] = now()
            obj["metadata"]["deletionGracePeriodSeconds"] = grace_s
            return self._put(resource, (namespace or "", name), obj, "MODIFIED")

    def delete(self, resource, namespace, name, uid=None):
        with self._changed:
            obj = self.get(resource, namespace, name)
            if uid and uid != obj["metadata"]["uid"]:
                raise errors.conflict(resource, name)
            del self._objects[resource][(namespace or "", name)]
            gone = copy.deepcopy(obj)
            self._append("DELETED", resource, gone, obj)
            return gone

    # --- faults and life ---

    def compact(self):
        """Forgets the history, so that every watch from before now is answered 410."""
        with self._changed:
            self._history.clear()
            self._rv += 1  # else a watch that has seen everything would still be current
            self._oldest = self._rv
            self._changed.notify_all()

    def close(self):
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self):
        return self._closed

    def _new_uid(self):
        uid = str(uuid.uuid4())
        return self._uid_prefix + uid[8:] if self._uid_prefix else uid

    def _put(self, resource, key, obj, event_type):
        objects = self._objects.setdefault(resource, {})
        previous = objects.get(key)
        objects[key] = obj
        self._append(event_type, resource, obj, previous)
        return obj

    def _append(self, event_type, resource, obj, previous):
        self._rv += 1
        obj["metadata"]["resourceVersion"] = str(self._rv)
        obj["apiVersion"] = resource.api_version
        obj["kind"] = resource.kind
        self._history.append(Event(self._rv, event_type, resource, obj, previous))
        if len(self._history) > self._history_limit:
            self._oldest = self._history.popleft().rv
        self._changed.notify_all()


def _merge_parts(current, changed, subresource, has_status) -> Any:
    if subresource == "status":
        merged = copy.deepcopy(current)
        if "status" in changed:
            merged["status"] = changed["status"]
        for part in ("labels", "annotations"):
            if part in changed.get("metadata", {}):
                merged["metadata"][part] = changed["metadata"][part]
        return merged
    if has_status:
        changed.pop("status", None)
        if "status" in current:
            changed["status"] = copy.deepcopy(current["status"])
    return changed


_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def random_suffix(length=5):
    """The random end of a generated name, from the alphabet that Kubernetes uses."""
    return "".join(_SUFFIX_ALPHABET[b % len(_SUFFIX_ALPHABET)] for b in uuid.uuid4().bytes[:length])
