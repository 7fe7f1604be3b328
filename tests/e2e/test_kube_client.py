"""The agent's Kubernetes client against the emulated server: what it sees, and what it survives.

Each case disturbs the server while pods come and go; in the end the client must have seen exactly
what there is.
"""

import os
import subprocess
import threading
import unittest

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

    def __init__(self, *args, **environment):
        program = os.path.join(paths.build_dir(), "e2e", "bin", "watch_pods")
        self.process = subprocess.Popen(
            [program, NODE, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.lines = []
        self.errors = []
        self.pods = {}  # name -> labels, as the client has them
        self.owners = {}
        self.synced = 0
        self.metrics = {}  # after stop(): 'name{label="value"}' -> value
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
            elif word == "synced":
                self.synced += 1
            elif word.startswith("leadline_"):
                self.metrics[word] = float(rest[0])

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def stop(self):
        if self.process.stdin.closed:
            return self.process.returncode
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
    watch_args = ()

    def setUp(self):
        self.store = Store(history=self.history)
        self.api = ApiServer(self.store, **self.server_options)
        self.addCleanup(self.api.stop)
        self.api.bookmark_interval_s = 0.2
        for name in ("default", "shop"):
            self.store.create(resource("Namespace"), "", {"metadata": {"name": name}})
        self.watcher = None

    def watch(self, *args):
        self.watcher = Watcher("-k", self.api.url, *args)
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

    def test_an_owner_in_a_version_that_is_no_longer_served(self):
        cron = self.store.create(resource("CronJob"), "shop", o.cron_job("shop", "nightly"))
        old = {**owner_reference(cron), "apiVersion": "batch/v1beta1"}
        job = self.store.create(
            resource("Job"),
            "shop",
            {"metadata": {"name": "nightly-1", "ownerReferences": [old]}, "spec": {}},
        )
        # The Job's owner is read for its own owners, so it has to have one for this to be seen.
        top = self.store.create(resource("Deployment"), "shop", o.deployment("shop", "top"))
        self.store.update(
            resource("CronJob"),
            "shop",
            "nightly",
            lambda c: {
                **c,
                "metadata": {**c["metadata"], "ownerReferences": [owner_reference(top)]},
            },
        )
        self.watch()
        uid = self.add("p", owner=job)["metadata"]["uid"]
        self.wait(
            lambda: self.watcher.owners.get(uid) == "Job/nightly-1,CronJob/nightly,Deployment/top",
            "the chain",
        )

    def test_what_it_asks_for(self):
        self.watch()
        self.wait(lambda: self.api.faults.requests("watch", "pods") == 1, "a watch")
        for verb in ("list", "watch"):
            for query in self.api.faults.queries(verb, "pods"):
                self.assertEqual(query.get("fieldSelector"), f"spec.nodeName={NODE}")
        self.assertIn(
            self.api.faults.queries("watch", "pods")[0].get("allowWatchBookmarks"), ("true", "1")
        )


class DisturbedCase(KubeClientCase):
    def disturbed(self, *faults, meanwhile=lambda: None):
        """Pods before, while and after the server does what `faults` say."""
        self.add("before")
        self.add("goes")
        self.watch(*self.watch_args)
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


class Disturbed(DisturbedCase):
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

    def test_too_many_requests_until_a_time(self):
        what = {"code": 429, "reason": "TooManyRequests", "retry_after_s": 2}
        self.disturbed(("status", {**what, "retry_after_date": True}))

    def test_objects_that_are_not_as_documented(self):
        """Skipped and counted; what comes after them is seen."""
        self.add("a")
        self.add("b")
        self.api.faults.add("bad_object", verb="list")
        self.watch()
        self.wait_pods("b")
        self.wait(lambda: self.api.faults.requests("watch", "pods") == 1, "a watch")
        self.api.faults.add("bad_object", verb="watch")
        self.api.drop_connections()
        self.wait(lambda: self.api.faults.requests("watch", "pods") == 2, "another watch")
        self.add("bad")
        self.add("good")
        self.wait(lambda: "shop/good" in self.watcher.pods, "the good one")
        self.assertNotIn("shop/bad", self.watcher.pods)
        self.assertEqual(self.watcher.stop(), 0)
        for source in ("list", "watch"):
            name = "leadline_agent_kube_bad_objects_total"
            self.assertEqual(
                self.watcher.metrics[f'{name}{{resource="pods",source="{source}"}}'], 1
            )

    def test_what_it_may_not_do_is_said_with_what_to_do(self):
        forbidden = {"code": 403, "reason": "Forbidden", "verb": "list", "times": 2}
        self.disturbed(("gone_event", {"verb": "watch"}), ("status", forbidden))
        self.assertTrue(
            any("403 Forbidden" in e and "ClusterRole" in e for e in self.watcher.errors),
            self.watcher,
        )

    def test_after_an_outage_a_forgotten_version_does_not_wait(self):
        """What an outage has made of the pauses is not for the 410 after it."""
        self.watch()
        self.wait(lambda: self.api.faults.requests("watch", "pods") == 1, "a watch")
        self.api.faults.add("status", code=503, reason="ServiceUnavailable", times=None)
        self.api.drop_connections()
        self.assertTrue(self.api.faults.wait_fired("status", TIMEOUT_S, times=6))  # about 6 s
        lists = self.api.faults.requests("list", "pods")
        self.api.faults.clear()
        self.api.faults.add("gone_status", verb="watch")
        self.assertTrue(self.api.faults.wait_fired("gone_status", TIMEOUT_S))
        self.assertTrue(
            self.api.faults.wait_requests(lists + 1, 1, "list", "pods"), "the list did not come"
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


class Silent(DisturbedCase):
    """A watch with neither events nor bookmarks is given up; all that was missed is made up."""

    watch_args = ("--max-silence", "1500")

    def test_a_watch_that_says_nothing(self):
        self.disturbed(("hang", {"verb": "watch"}))
        self.assertEqual(self.watcher.stop(), 0)
        name = 'leadline_agent_kube_watch_ends_total{reason="silent",resource="pods"}'
        self.assertEqual(self.watcher.metrics[name], 1)


class Absent(KubeClientCase):
    server_options = {"listen": False}

    def test_a_server_that_comes_late(self):
        self.add("a")
        self.watch()
        self.wait(lambda: self.watcher.errors, "it says that nobody is there")
        self.assertEqual(self.watcher.synced, 0)
        self.api.start()
        self.wait_pods("a")


if __name__ == "__main__":
    unittest.main()
