"""Lists in pages of one moment, by continue tokens."""

import base64
import json
import threading

from . import errors
from .errors import ApiError

_SNAPSHOTS_KEPT = 32


class Pages:
    """Keeps the latest lists that were answered in pages. Any thread may call."""

    def __init__(self, store):
        self._store = store
        self._snapshots = {}  # resourceVersion -> the whole list
        self._lock = threading.Lock()

    def page(self, request, fault):
        """Items of one page and the list's metadata."""
        limit = request.integer("limit") or 0
        token = request.parameter("continue")
        if token:
            items, rv, start = self._resume(request, token, fault)
        else:
            wanted = request.integer("resourceVersion") or 0
            current = self._store.resource_version
            if wanted > current:
                raise ApiError(
                    504,
                    "Timeout",
                    f"Too large resource version: {wanted}, current: {current}",
                    {
                        "causes": [
                            {
                                "reason": "ResourceVersionTooLarge",
                                "message": "Too large resource version",
                            }
                        ]
                    },
                    retry_after_s=1,
                )
            items, rv = self._store.list(request.resource, matches=request.predicate())
            start = 0
        metadata = {"resourceVersion": str(rv)}
        page = items[start : start + limit] if limit else items[start:]
        end = start + len(page)
        if end < len(items):
            metadata["continue"] = self._continue_token(items, rv, end)
            metadata["remainingItemCount"] = len(items) - end
        return page, metadata

    def _continue_token(self, items, rv, start):
        with self._lock:
            self._snapshots[rv] = items
            while len(self._snapshots) > _SNAPSHOTS_KEPT:
                del self._snapshots[next(iter(self._snapshots))]
        last = items[start - 1]["metadata"]
        key = f"{last.get('namespace', '')}/{last['name']}"
        token = {"v": "meta.k8s.io/v1", "rv": rv, "start": key}
        return base64.urlsafe_b64encode(json.dumps(token).encode()).decode()

    def _resume(self, request, token, fault):
        try:
            decoded = json.loads(base64.urlsafe_b64decode(token))
            rv, last = int(decoded["rv"]), tuple(decoded["start"].split("/", 1))
        except (ValueError, KeyError, TypeError):
            raise errors.bad_request("continue key is not valid") from None
        with self._lock:
            items = self._snapshots.get(rv)
        if rv == -1:  # inconsistent: from the key on, in what is there now
            items, rv = self._store.list(request.resource, matches=request.predicate())
        elif items is None or (fault and fault.action == "expired_continue"):
            inconsistent = {"v": "meta.k8s.io/v1", "rv": -1, "start": decoded["start"]}
            raise errors.expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You can start a new list without the continue parameter, or use the continue token "
                "in this response to retrieve the remainder of the results.",
                base64.urlsafe_b64encode(json.dumps(inconsistent).encode()).decode(),
            )
        start = sum(
            (o["metadata"].get("namespace", ""), o["metadata"]["name"]) <= last for o in items
        )
        return items, rv, start
