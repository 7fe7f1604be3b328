"""The agent's Kubernetes client against the emulated server: what it sees, and what it survives.

Each case disturbs the server while pods come and go; in the end the client must have seen exactly
what there is.
"""

import os
import subprocess
import tempfile
import threading
import unittest

from api_case import make_certificate
from minicluster import paths, wait_for
from minicluster import objects as o
from minicluster.apiserver import ApiServer, Store
from minicluster.apiserver.resources import resource
from minicluster.controllers import owner_reference, template_hash

NODE = "node-1"
TIMEOUT_S = 30
POD = resource("Pod")


class Watcher:
    """A running watch_pods and what it has printed."""

    def __init__(self, url, *files):
        program = os.path.join(paths.build_dir(), "e2e", "bin", "watch_pods")
        self.process = subprocess.Popen(
            [program, url, NODE, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        self.errors = []
        self.pods = {}  # name -> labels, as the client has them
        self.owners = {}
        self.synced = 0
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self):
        for line in self.process.stdout:
            word, *rest = line.split()
            self.lines.append(line.strip())
            if word == "applied":
                self.pods[rest[0]] = dict(label.split("=", 1) for label in rest[1:])
            elif word == "deleted":
                self.pods.pop(rest[0], None)
            elif word == "owners":
                self.owners[rest[0]] = rest[1] if len(rest) == 3 else ""
            else:
                self.synced += 1

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def stop(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT_S)
        for thread in self._threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def __str__(self):
        return "\n".join(self.lines[-20:] + self.errors[-20:])


class KubeClientCase(unittest.TestCase):
    server_options = {}
    history = 500

    def setUp(self):
        self.store = Store(history=self.history)
        self.api = ApiServer(self.store, **self.server_options)
        self.addCleanup(self.api.stop)
        self.api.bookmark_interval_s = 0.2
        for name in ("default", "shop"):
            self.store.create(resource("Namespace"), "", {"metadata": {"name": name}})
        self.watcher = None

    def watch(self, *files):
        self.watcher = Watcher(self.api.url, *files)
        self.addCleanup(lambda: self.assertEqual(self.watcher.stop(), 0))

    def add(self, name, node=NODE, owner=None, namespace="shop", **labels):
        pod = o.pod(namespace, name, o.container("c", "/bin/pause"), labels=labels)
        pod["spec"]["nodeName"] = node
        if owner:
            pod["metadata"]["ownerReferences"] = [owner_reference(owner)]
        return self.store.create(POD, namespace, pod)

    def label(self, name, **labels):
        def change(pod):
            pod["metadata"]["labels"].update(labels)
            return pod

        self.store.update(POD, "shop", name, change)

    def wait(self, condition, what):
        wait_for(condition, lambda: f"{what}; the client's lines:\n{self.watcher}", TIMEOUT_S)

    def wait_pods(self, *names):
        want = {f"shop/{name}" for name in names}
        self.wait(
            lambda: set(self.watcher.pods) == want, f"{want}, it has {set(self.watcher.pods)}"
        )


class Following(KubeClientCase):
    def test_pods_of_its_node(self):
        self.add("a")
        self.add("elsewhere", node="node-2")
        self.watch()
        self.wait_pods("a")
        self.wait(lambda: self.watcher.synced == 1, "synced")
        self.add("b")
        self.wait_pods("a", "b")
        self.label("a", color="red")
        self.wait(lambda: self.watcher.pods["shop/a"].get("color") == "red", "the label")
        self.store.delete(POD, "shop", "a")
        self.wait_pods("b")

    def test_more_than_a_page(self):
        names = [f"p{i:04}" for i in range(1200)]
        for name in names:
            self.add(name)
        self.watch()
        self.wait_pods(*names)
        self.assertGreater(
            self.api.faults.requests("list", "pods"), 1, "the list should be read in pages"
        )

    def test_owners(self):
        deployment = self.store.create(resource("Deployment"), "shop", o.deployment("shop", "web"))
        name = f"web-{template_hash(deployment['spec']['template'])}"
        replica_set = self.store.create(
            resource("ReplicaSet"),
            "shop",
            {
                "metadata": {"name": name, "ownerReferences": [owner_reference(deployment)]},
                "spec": {},
            },
        )
        cron = self.store.create(resource("CronJob"), "shop", o.cron_job("shop", "nightly"))
        job = self.store.create(
            resource("Job"),
            "shop",
            {
                "metadata": {"name": "nightly-1", "ownerReferences": [owner_reference(cron)]},
                "spec": {},
            },
        )
        rc = self.store.create(
            resource("ReplicationController"), "shop", o.replication_controller("shop", "rc")
        )
        self.watch()
        want = {}
        for i, (owner, chain) in enumerate(
            [
                (replica_set, f"ReplicaSet/{name},Deployment/web"),
                (job, "Job/nightly-1,CronJob/nightly"),
                (rc, "ReplicationController/rc"),
            ]
        ):
            for j in range(3):
                want[self.add(f"p{i}{j}", owner=owner)["metadata"]["uid"]] = chain
        self.wait(
            lambda: {k: v for k, v in self.watcher.owners.items() if k in want} == want, f"{want}"
        )
        for kind in ("replicasets", "jobs"):
            self.assertEqual(
                self.api.faults.requests("get", kind), 1, "looked up once, not once a pod"
            )
            self.assertEqual(self.api.faults.requests("get", kind, partial=True), 1)

    def test_what_it_asks_for(self):
        self.watch()
        self.wait(lambda: self.api.faults.requests("watch", "pods") == 1, "a watch")
        for verb in ("list", "watch"):
            for query in self.api.faults.queries(verb, "pods"):
                self.assertEqual(query.get("fieldSelector"), f"spec.nodeName={NODE}")
        self.assertIn(
            self.api.faults.queries("watch", "pods")[0].get("allowWatchBookmarks"), ("true", "1")
        )


class Disturbed(KubeClientCase):
    def disturbed(self, *faults, meanwhile=lambda: None):
        """Pods before, while and after the server does what `faults` say."""
        self.add("before")
        self.add("goes")
        self.watch()
        self.wait_pods("before", "goes")
        self.wait(lambda: self.api.faults.requests("watch", "pods") >= 1, "a watch")
        for action, what in faults:
            self.api.faults.add(action, **what)
        self.api.drop_connections()
        self.store.delete(POD, "shop", "goes")
        self.add("while")
        self.label("before", changed="yes")
        meanwhile()
        for action, _ in faults:
            self.assertTrue(
                self.api.faults.wait_fired(action, TIMEOUT_S),
                f"{action} was never met: {self.watcher}",
            )
        self.wait_pods("before", "while")
        self.wait(lambda: self.watcher.pods["shop/before"].get("changed") == "yes", "the change")
        self.add("after")
        self.wait_pods("before", "while", "after")

    def test_connections_that_break(self):
        self.disturbed()

    def test_connections_that_are_dropped(self):
        self.disturbed(("drop", {"times": 3}))

    def test_a_watch_that_breaks_off_in_an_event(self):
        self.disturbed(("truncate", {"verb": "watch", "after_events": 1}))

    def test_a_watch_that_is_not_json(self):
        self.disturbed(("garbage", {"verb": "watch"}))

    def test_a_forgotten_version_as_an_event(self):
        self.disturbed(("gone_event", {"verb": "watch"}))

    def test_a_forgotten_version_as_a_status(self):
        self.disturbed(("gone_status", {"verb": "watch"}))

    def test_a_forgotten_version_and_a_list_that_breaks_off(self):
        self.disturbed(
            ("gone_event", {"verb": "watch"}), ("truncate", {"verb": "list", "after_bytes": 100})
        )

    def test_server_errors(self):
        self.disturbed(
            ("status", {"code": 500, "times": 2}),
            ("status", {"code": 503, "reason": "ServiceUnavailable"}),
        )

    def test_too_many_requests(self):
        self.disturbed(
            ("status", {"code": 429, "reason": "TooManyRequests", "retry_after_s": 1, "times": 2})
        )

    def test_a_compaction_that_ends_the_watch(self):
        self.disturbed(meanwhile=self.store.compact)

    def test_a_watch_that_ends_early_each_time(self):
        self.disturbed(("close", {"verb": "watch", "after_events": 1, "times": 4}))

    def test_an_expired_page(self):
        names = [f"p{i:04}" for i in range(1100)]
        for name in names:
            self.add(name)
        self.api.faults.add("expired_continue", verb="list", resource="pods")
        self.watch()
        self.wait_pods(*names)
        self.assertEqual(self.api.faults.fired["expired_continue"], 1)


class Absent(KubeClientCase):
    server_options = {"listen": False}

    def test_a_server_that_comes_late(self):
        self.add("a")
        self.watch()
        self.wait(lambda: self.watcher.errors, "it says that nobody is there")
        self.assertEqual(self.watcher.synced, 0)
        self.api.start()
        self.wait_pods("a")


class Secured(unittest.TestCase):
    def test_tls_and_a_token_that_rotates(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            token_file = os.path.join(folder, "token")
            with open(token_file, "w", encoding="ascii") as f:
                f.write("first\n")
            store = Store()
            with ApiServer(store, token="first", tls=(certificate, key)) as api:
                store.create(resource("Namespace"), "", {"metadata": {"name": "shop"}})
                watcher = Watcher(api.url, token_file, certificate)
                self.addCleanup(watcher.stop)
                pod = o.pod("shop", "a", o.container("c", "/bin/pause"))
                pod["spec"]["nodeName"] = NODE
                store.create(POD, "shop", pod)
                wait_for(lambda: "shop/a" in watcher.pods, lambda: f"the pod: {watcher}", TIMEOUT_S)
                api.token = "second"
                with open(token_file, "w", encoding="ascii") as f:
                    f.write("second\n")
                api.drop_connections()
                pod["metadata"]["name"] = "b"
                store.create(POD, "shop", pod)
                wait_for(lambda: "shop/b" in watcher.pods, lambda: f"the pod: {watcher}", TIMEOUT_S)

    def test_a_server_that_it_does_not_trust(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            os.makedirs(os.path.join(folder, "other"))
            other, _ = make_certificate(os.path.join(folder, "other"))
            token_file = os.path.join(folder, "token")
            with open(token_file, "w", encoding="ascii") as f:
                f.write("secret")
            with ApiServer(Store(), tls=(certificate, key)) as api:
                watcher = Watcher(api.url, token_file, other)
                self.addCleanup(watcher.stop)
                wait_for(
                    lambda: any("certificate" in e.lower() for e in watcher.errors),
                    lambda: str(watcher),
                    TIMEOUT_S,
                )
                self.assertEqual(watcher.synced, 0)
                self.assertEqual(api.faults.requests(), 0)


if __name__ == "__main__":
    unittest.main()
