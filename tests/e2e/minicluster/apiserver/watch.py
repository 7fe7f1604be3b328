"""The watch: a stream of JSON lines, one an event, from a resourceVersion on."""

import json
import random
import time

from . import errors
from .documents import damaged, object_document
from .errors import ApiError

_POLL_S = 0.25  # how soon a client that went away, or a server that stops, is noticed
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


def serve_watch(connection, api, request, shape, fault):
    """Writes the stream until its time is over, the client is gone or a fault ends it."""
    action = fault.action if fault else None
    initial, start_rv = [], request.integer("resourceVersion")
    if request.flag("sendInitialEvents") or not start_rv:
        initial, start_rv = api.store.list(request.resource, matches=request.predicate())
    gone = _forgotten(api.store, start_rv, asked=action in ("gone_event", "gone_status"))
    if gone is not None and (api.gone_as_status or action == "gone_status"):
        raise gone
    connection.begin_stream()
    stream = _Stream(connection, api, request, shape, fault)
    if gone is not None:
        stream.error(gone)
        connection.end_stream()
    elif action == "hang":
        while not api.stopping.is_set() and not connection.client_gone(_POLL_S):
            pass
        connection.abort()
    else:
        stream.run(initial, start_rv)


def _forgotten(store, rv, asked):
    """The 410 for a version that is too old, or is to be treated so."""
    if asked:
        return errors.expired(f"too old resource version: {rv} (on demand)")
    try:
        store.events_after(rv, 0)
    except ApiError as e:
        return e
    return None


class _Stream:
    def __init__(self, connection, api, request, shape, fault):
        self._connection = connection
        self._api = api
        self._request = request
        self._shape = shape
        self._fault = fault
        self._matches = request.predicate()
        self._bookmarks = request.flag("allowWatchBookmarks")
        self._sent = 0

    def run(self, initial, rv):
        request, store = self._request, self._api.store
        for obj in initial:
            self._event("ADDED", obj)
        if request.flag("sendInitialEvents"):
            self._bookmark(rv, _INITIAL_EVENTS_END)
        timeout_s = request.integer("timeoutSeconds") or random.uniform(1800, 3600)
        deadline = time.monotonic() + timeout_s
        next_bookmark = time.monotonic() + self._api.bookmark_interval_s
        while not self._api.stopping.is_set():
            self._check_faults_due()
            now = time.monotonic()
            if now >= deadline:
                break
            if self._bookmarks and now >= next_bookmark:
                self._bookmark(rv)
                next_bookmark = now + self._api.bookmark_interval_s
            try:
                events = store.events_after(rv, min(_POLL_S, deadline - now))
            except ApiError as e:
                self.error(e)
                break
            for event in events:
                rv = event.rv
                self._relay(event)
            if not events and self._connection.client_gone():
                self._connection.close_connection = True
                return
        else:
            self._connection.abort()
        if self._bookmarks:
            self._bookmark(rv)
        self._connection.end_stream()

    def error(self, error):
        self._line({"type": "ERROR", "object": error.status()})

    def _relay(self, event):
        if event.resource is not self._request.resource:
            return
        now = event.type != "DELETED" and self._matches(event.obj)
        before = event.previous is not None and self._matches(event.previous)
        if now:
            self._event("MODIFIED" if before else "ADDED", event.obj)
        elif before:
            # An object that no longer matches is shown as it last did, at the change's version.
            last = {
                **event.previous,
                "metadata": {**event.previous["metadata"], "resourceVersion": str(event.rv)},
            }
            self._event("DELETED", event.obj if event.type == "DELETED" else last)

    def _event(self, event_type, obj):
        self._check_faults_due()
        document = object_document(self._request, self._shape, obj)
        if self._fault is not None and self._fault.action == "bad_object":
            document = damaged(document)
            self._fault = None
        self._line({"type": event_type, "object": document})
        self._sent += 1

    def _bookmark(self, rv, annotations=None):
        resource = self._request.resource
        metadata = {"resourceVersion": str(rv), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        self._line(
            {
                "type": "BOOKMARK",
                "object": {
                    "kind": resource.kind,
                    "apiVersion": resource.api_version,
                    "metadata": metadata,
                },
            }
        )

    def _check_faults_due(self):
        fault = self._fault
        if fault is None or self._sent < fault.after_events:
            return
        if fault.action == "truncate":
            self._connection.send_chunk(b'{"type":"MODIFIED","object":{"kind":"')
            self._connection.abort()
        if fault.action == "garbage":
            self._connection.send_chunk(b'{"type":"MODIFIED","object":nonsense}\n')
            self._fault = None
        if fault.action == "close":
            self._connection.end_stream()
            self._connection.abort()

    def _line(self, document):
        self._connection.send_chunk(json.dumps(document, separators=(",", ":")).encode() + b"\n")
