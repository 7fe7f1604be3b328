"""What tests of the emulated API server have in common: a server, a client and a watch."""

import http.client
import json
import unittest

from minicluster.apiserver import ApiServer, Store
from minicluster.apiserver.resources import resource

POD = resource("Pod")
PODS = "/api/v1/pods"
READ_TIMEOUT_S = 10


def pod(name, node="n1", labels=None, phase="Pending"):
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "status": {"phase": phase},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
    }


class Watch:
    """A watch as a client sees it: one JSON object a line."""

    def __init__(self, api, path, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=READ_TIMEOUT_S)
        self.connection.request("GET", path, headers=headers or {})
        self.response = self.connection.getresponse()

    def next(self):
        return json.loads(self.response.readline())

    def take(self, count):
        events = [self.next() for _ in range(count)]
        return [(e["type"], e["object"]["metadata"]["name"]) for e in events]

    def rest(self):
        return self.response.read()

    def close(self):
        self.connection.close()


class ApiCase(unittest.TestCase):
    history = 100

    def setUp(self):
        self.store = Store(history=self.history)
        self.api = ApiServer(self.store)
        self.addCleanup(self.api.stop)
        for name in ("default", "kube-system"):
            self.store.create(resource("Namespace"), "", {"metadata": {"name": name}})

    def add(self, *names, namespace="default", **options):
        return [self.store.create(POD, namespace, pod(name, **options)) for name in names]

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=READ_TIMEOUT_S)
        self.addCleanup(connection.close)
        data = json.dumps(body) if body is not None else None
        connection.request(
            method, path, data, {"Content-Type": "application/json", **(headers or {})}
        )
        response = connection.getresponse()
        self.headers = response.headers
        return response.status, json.loads(response.read() or b"null")

    def get(self, path, **headers):
        return self.call("GET", path, headers=headers)

    def watch(self, query="", path=PODS, headers=None):
        watch = Watch(self.api, f"{path}?watch=1&{query}", headers)
        self.addCleanup(watch.close)
        return watch

    def names(self, document):
        return [o["metadata"]["name"] for o in document["items"]]
