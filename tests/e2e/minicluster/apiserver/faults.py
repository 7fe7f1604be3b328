"""Faults on demand: what the server does wrong, for which requests, how often."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Optional

ACTIONS = (
    "status",  # answers `code` with a Status of `reason`; Retry-After with `retry_after_s`
    "drop",  # closes the connection without an answer
    "hang",  # a watch: headers, then silence; anything else: no answer until the server closes
    "truncate",  # sends `after_bytes` of the answer; a watch: half an event after `after_events`
    "gone_event",  # a watch: 200, then an ERROR event with code 410
    "gone_status",  # a watch: HTTP 410
    "expired_continue",  # a list with a continue token: 410 with a fresh, inconsistent token
    "close",  # a watch: ends it properly after `after_events` events
    "garbage",  # a watch: a line that is not JSON
    "bad_object",  # a list: its first object is not as documented; a watch: so is its next event
)

_QUERIES_KEPT = 1000


@dataclass
class Fault:
    action: str
    verb: Optional[str] = None  # get, list, watch, create, update, patch, delete; None: any
    resource: Optional[str] = None  # plural name; None: any
    name: Optional[str] = None
    times: Optional[int] = 1  # None: until cleared
    code: int = 500
    reason: str = "InternalError"
    retry_after_s: Optional[int] = None
    retry_after_date: bool = False  # Retry-After says when, not how long
    after_bytes: int = 20
    after_events: int = 0

    def __post_init__(self):
        if self.action not in ACTIONS:
            raise ValueError(f"unknown fault {self.action!r}; known are {', '.join(ACTIONS)}")


class Faults:
    """What is set to go wrong, and the count of all requests. Any thread may call."""

    def __init__(self):
        self._lock = threading.Condition(threading.RLock())
        self._faults = []
        self._requests = Counter()
        self._partial = Counter()
        self._queries = deque(maxlen=_QUERIES_KEPT)
        self.fired = Counter()

    def add(self, action, **what):
        fault = Fault(action, **what)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self):
        with self._lock:
            self._faults.clear()

    def pending(self):
        with self._lock:
            return list(self._faults)

    def take(self, verb, resource, name=None, continued=False):
        """The fault that this request meets, if any; one that is used up goes away.

        `continued`: it is a list with a continue token.
        """
        with self._lock:
            for fault in self._faults:
                if fault.verb not in (None, verb) or fault.resource not in (None, resource):
                    continue
                if fault.name not in (None, name):
                    continue
                if fault.action == "expired_continue" and not continued:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                self.fired[fault.action] += 1
                self._lock.notify_all()
                return fault
        return None

    def count(self, verb, resource, partial, query):
        with self._lock:
            self._queries.append((verb, resource, query))
            self._requests[(verb, resource)] += 1
            if partial:
                self._partial[(verb, resource)] += 1
            self._lock.notify_all()

    def requests(self, verb=None, resource=None, partial=False):
        """How many requests came; `partial`: only those for PartialObjectMetadata."""
        with self._lock:
            counts = self._partial if partial else self._requests
            return sum(
                n for (v, r), n in counts.items() if verb in (None, v) and resource in (None, r)
            )

    def queries(self, verb, resource):
        """The query parameters of the latest requests, oldest first."""
        with self._lock:
            return [q for v, r, q in self._queries if (v, r) == (verb, resource)]

    def wait_fired(self, action, timeout_s, times=1):
        with self._lock:
            return self._lock.wait_for(lambda: self.fired[action] >= times, timeout_s)

    def wait_requests(self, count, timeout_s, verb=None, resource=None):
        with self._lock:
            return self._lock.wait_for(lambda: self.requests(verb, resource) >= count, timeout_s)
