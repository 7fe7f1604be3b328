"""The API emulator: list, watch and writes as kube-apiserver has them."""

import json
import threading
import unittest

from api_case import POD, PODS, ApiCase, pod
from minicluster.apiserver import ApiError
from minicluster.apiserver.resources import resource
from minicluster.apiserver.selectors import field_predicate, label_predicate


class Lists(ApiCase):
    def test_selectors_over_the_wire(self):
        self.add("a", node="n1", labels={"app": "x"})
        self.add("b", node="n2", labels={"app": "y"}, phase="Running")
        self.add("c", namespace="kube-system", node="n1")
        for query, want in [
            ("", ["a", "b", "c"]),
            ("fieldSelector=spec.nodeName%3Dn1", ["a", "c"]),
            ("fieldSelector=spec.nodeName!%3Dn1", ["b"]),
            ("fieldSelector=metadata.name%3Db", ["b"]),
            ("fieldSelector=status.phase%3DRunning,spec.nodeName%3Dn2", ["b"]),
            ("labelSelector=app%3Dx", ["a"]),
            ("labelSelector=app+in+(x,y)", ["a", "b"]),
            ("labelSelector=!app", ["c"]),
            ("labelSelector=app", ["a", "b"]),
            ("labelSelector=app%3Dx&fieldSelector=spec.nodeName%3Dn2", []),
        ]:
            with self.subTest(query):
                code, document = self.get(f"{PODS}?{query}")
                self.assertEqual((code, self.names(document)), (200, want))
        self.assertEqual(self.names(self.get("/api/v1/namespaces/kube-system/pods")[1]), ["c"])
        self.assertEqual(self.get(f"{PODS}?fieldSelector=spec.color%3Dred")[0], 400)

    def test_a_list_has_the_global_version_and_bare_items(self):
        self.add("a")
        self.store.create(resource("ConfigMap"), "default", {"metadata": {"name": "m"}})
        document = self.get(PODS)[1]
        self.assertEqual(document["kind"], "PodList")
        self.assertEqual(int(document["metadata"]["resourceVersion"]), self.store.resource_version)
        self.assertNotIn("kind", document["items"][0])

    def test_pages_are_of_one_moment(self):
        self.add("a", "b", "c", "d", "e")
        first = self.get(f"{PODS}?limit=2")[1]
        self.store.delete(POD, "default", "d")
        self.add("cc")
        second = self.get(f"{PODS}?limit=2&continue={first['metadata']['continue']}")[1]
        third = self.get(f"{PODS}?limit=2&continue={second['metadata']['continue']}")[1]
        self.assertEqual(
            self.names(first) + self.names(second) + self.names(third), ["a", "b", "c", "d", "e"]
        )
        self.assertEqual(first["metadata"]["remainingItemCount"], 3)
        self.assertEqual(third["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"])
        self.assertNotIn("continue", third["metadata"])

    def test_an_expired_page_can_be_resumed_inconsistently(self):
        self.add("a", "b", "c", "d")
        token = self.get(f"{PODS}?limit=2")[1]["metadata"]["continue"]
        self.store.delete(POD, "default", "c")
        self.api.faults.add("expired_continue", verb="list")
        code, status = self.get(f"{PODS}?limit=2&continue={token}")
        self.assertEqual((code, status["reason"]), (410, "Expired"))
        rest = self.get(f"{PODS}?limit=2&continue={status['metadata']['continue']}")[1]
        self.assertEqual(self.names(rest), ["d"])
        self.assertEqual(self.get(f"{PODS}?continue=nonsense")[0], 400)

    def test_a_version_of_the_future_is_refused(self):
        code, status = self.get(f"{PODS}?resourceVersion=99999999")
        self.assertEqual((code, status["reason"]), (504, "Timeout"))

    def test_metadata_only(self):
        self.add("a", labels={"app": "x"})
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
        document = self.get(PODS, Accept=accept)[1]
        self.assertEqual(document["kind"], "PartialObjectMetadataList")
        self.assertEqual(document["items"][0]["metadata"]["labels"], {"app": "x"})
        self.assertNotIn("spec", document["items"][0])
        accept = accept.replace("List", "")
        document = self.get("/api/v1/namespaces/default/pods/a", Accept=accept)[1]
        self.assertEqual(document["kind"], "PartialObjectMetadata")
        self.assertEqual(set(document), {"kind", "apiVersion", "metadata"})
        self.assertEqual(self.api.faults.requests("get", "pods", partial=True), 1)
        self.assertEqual(self.get(PODS, Accept="application/vnd.kubernetes.protobuf")[0], 406)


class Watches(ApiCase):
    def test_from_a_version_on(self):
        rv = self.add("a")[0]["metadata"]["resourceVersion"]
        self.add("b")
        self.store.delete(POD, "default", "a")
        watch = self.watch(f"resourceVersion={rv}")
        self.assertEqual(watch.take(2), [("ADDED", "b"), ("DELETED", "a")])
        self.add("c")
        self.assertEqual(watch.take(1), [("ADDED", "c")])

    def test_without_a_version_begins_with_what_is_there(self):
        self.add("a", "b")
        for query in ("", "resourceVersion=0"):
            self.assertEqual(self.watch(query).take(2), [("ADDED", "a"), ("ADDED", "b")])

    def test_versions_never_go_back(self):
        watch = self.watch("allowWatchBookmarks=true")
        self.api.bookmark_interval_s = 0.01
        self.add(*"abcdefgh")
        versions = [int(watch.next()["object"]["metadata"]["resourceVersion"]) for _ in range(8)]
        self.assertEqual(versions, sorted(versions))

    def test_an_object_that_enters_or_leaves_the_selection(self):
        self.add("a", node="")
        rv = self.store.resource_version
        watch = self.watch(f"resourceVersion={rv}&fieldSelector=spec.nodeName%3Dn1")

        def node(name):
            return lambda o: {**o, "spec": {**o["spec"], "nodeName": name}}

        for name in ("n1", "n1 ", "n1", "n2"):
            self.store.update(POD, "default", "a", node(name))
        self.store.update(POD, "default", "a", node("n1"))
        self.store.delete(POD, "default", "a")
        self.assertEqual(
            [t for t, _ in watch.take(6)],
            ["ADDED", "DELETED", "ADDED", "DELETED", "ADDED", "DELETED"],
        )

    def test_bookmarks_advance_without_events_of_ours(self):
        self.api.bookmark_interval_s = 0.05
        watch = self.watch(
            f"resourceVersion={self.store.resource_version}&allowWatchBookmarks=true"
        )
        self.store.create(resource("ConfigMap"), "default", {"metadata": {"name": "m"}})
        version = 0
        while version < self.store.resource_version:
            event = watch.next()
            self.assertEqual((event["type"], event["object"]["kind"]), ("BOOKMARK", "Pod"))
            version = int(event["object"]["metadata"]["resourceVersion"])

    def test_no_bookmarks_unless_asked_for(self):
        self.api.bookmark_interval_s = 0.01
        watch = self.watch(f"resourceVersion={self.store.resource_version}&timeoutSeconds=1")
        self.assertEqual(watch.rest(), b"")

    def test_ends_after_its_time(self):
        watch = self.watch(
            f"resourceVersion={self.store.resource_version}&timeoutSeconds=1&allowWatchBookmarks=true"
        )
        lines = [json.loads(line) for line in watch.rest().splitlines()]
        self.assertEqual([line["type"] for line in lines], ["BOOKMARK"])

    def test_a_forgotten_version_as_an_event_and_as_a_status(self):
        rv = self.add("a")[0]["metadata"]["resourceVersion"]
        self.store.compact()
        event = self.watch(f"resourceVersion={rv}").next()
        self.assertEqual(
            (event["type"], event["object"]["code"], event["object"]["reason"]),
            ("ERROR", 410, "Expired"),
        )
        self.api.gone_as_status = True
        code, status = self.get(f"{PODS}?watch=1&resourceVersion={rv}")
        self.assertEqual((code, status["kind"], status["code"]), (410, "Status", 410))

    def test_compaction_ends_open_watches(self):
        watch = self.watch(f"resourceVersion={self.store.resource_version}")
        self.store.compact()
        self.assertEqual(watch.next()["object"]["code"], 410)

    def test_initial_events_end_with_a_bookmark(self):
        self.add("a")
        watch = self.watch(
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        )
        self.assertEqual(watch.take(1), [("ADDED", "a")])
        self.assertEqual(
            watch.next()["object"]["metadata"]["annotations"], {"k8s.io/initial-events-end": "true"}
        )

    def test_metadata_only(self):
        watch = self.watch(
            headers={"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
        )
        self.add("a")
        self.assertEqual(watch.next()["object"]["kind"], "PartialObjectMetadata")

    def test_many_at_once(self):
        watches = [self.watch() for _ in range(30)]
        self.add(*[f"p{i:02}" for i in range(50)])
        want = [("ADDED", f"p{i:02}") for i in range(50)]
        for watch in watches:
            self.assertEqual(watch.take(50), want)


class BoundedHistory(ApiCase):
    history = 10

    def test_old_versions_are_forgotten(self):
        rv = self.store.resource_version
        self.add(*[f"p{i:02}" for i in range(10)])
        self.assertEqual(len(self.watch(f"resourceVersion={rv}").take(10)), 10)
        self.add("one-more")
        self.assertEqual(self.watch(f"resourceVersion={rv}").next()["type"], "ERROR")
        self.assertEqual(len(self.watch(f"resourceVersion={rv + 1}").take(10)), 10)


class Writes(ApiCase):
    def test_create_get_update_patch_delete(self):
        path = "/api/v1/namespaces/default/configmaps"
        code, made = self.call("POST", path, {"metadata": {"name": "m"}, "data": {"a": "1"}})
        self.assertEqual((code, made["kind"]), (201, "ConfigMap"))
        self.assertEqual(self.get(f"{path}/m")[1], made)
        made["data"]["b"] = "2"
        code, updated = self.call("PUT", f"{path}/m", made)
        self.assertEqual((code, updated["data"]), (200, {"a": "1", "b": "2"}))
        patch = {"Content-Type": "application/merge-patch+json"}
        patched = self.call("PATCH", f"{path}/m", {"data": {"a": None, "c": "3"}}, patch)[1]
        self.assertEqual(patched["data"], {"b": "2", "c": "3"})
        operations = [
            {"op": "replace", "path": "/data/b", "value": "9"},
            {"op": "remove", "path": "/data/c"},
        ]
        patched = self.call(
            "PATCH", f"{path}/m", operations, {"Content-Type": "application/json-patch+json"}
        )[1]
        self.assertEqual(patched["data"], {"b": "9"})
        self.assertEqual(self.call("DELETE", f"{path}/m")[0], 200)
        self.assertEqual(self.get(f"{path}/m")[0], 404)

    def test_strategic_merge_knows_lists_by_key(self):
        self.add("a")
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        patch = {
            "spec": {"containers": [{"name": "c", "image": "j"}, {"name": "d", "image": "k"}]},
            "metadata": {"labels": {"x": "y"}},
        }
        patched = self.call("PATCH", "/api/v1/namespaces/default/pods/a", patch, headers)[1]
        self.assertEqual(
            [(c["name"], c["image"]) for c in patched["spec"]["containers"]],
            [("c", "j"), ("d", "k")],
        )
        patch = {"spec": {"containers": [{"name": "c", "$patch": "delete"}]}}
        patched = self.call("PATCH", "/api/v1/namespaces/default/pods/a", patch, headers)[1]
        self.assertEqual([c["name"] for c in patched["spec"]["containers"]], ["d"])

    def test_refusals(self):
        self.add("a")
        path = "/api/v1/namespaces/default/pods"
        stale = {**self.get(f"{path}/a")[1]}
        self.store.update(
            POD,
            "default",
            "a",
            lambda o: {**o, "metadata": {**o["metadata"], "labels": {"n": "1"}}},
        )
        for method, where, body, want in [
            ("POST", path, pod("a"), (409, "AlreadyExists")),
            ("PUT", f"{path}/a", stale, (409, "Conflict")),
            ("POST", path, pod("Not_A_Name"), (422, "Invalid")),
            (
                "POST",
                path,
                {"metadata": {"name": "b"}, "spec": {"containers": []}},
                (422, "Invalid"),
            ),
            ("POST", path, {"kind": "Service", "metadata": {"name": "b"}}, (400, "BadRequest")),
            ("POST", "/api/v1/namespaces/nowhere/pods", pod("b"), (404, "NotFound")),
            ("DELETE", f"{path}/none", None, (404, "NotFound")),
            ("GET", "/apis/apps/v1/namespaces/default/replicasets/none", None, (404, "NotFound")),
            ("GET", "/apis/none/v1/things", None, (404, "NotFound")),
            ("GET", f"{path}/a/nosuchsub", None, (404, "NotFound")),
        ]:
            with self.subTest(f"{method} {where} {want}"):
                code, status = self.call(method, where, body)
                self.assertEqual((code, status["reason"]), want)
                self.assertEqual(
                    (status["kind"], status["code"], status["status"]), ("Status", code, "Failure")
                )

    def test_status_and_spec_do_not_mix(self):
        self.add("a")
        path = "/api/v1/namespaces/default/pods/a"
        headers = {"Content-Type": "application/merge-patch+json"}
        both = {"spec": {"nodeName": "other"}, "status": {"phase": "Running"}}
        self.assertEqual(
            self.call("PATCH", f"{path}/status", both, headers)[1]["spec"]["nodeName"], "n1"
        )
        both["status"]["phase"] = "Failed"
        changed = self.call("PATCH", path, both, headers)[1]
        self.assertEqual(
            (changed["spec"]["nodeName"], changed["status"]["phase"]), ("other", "Running")
        )

    def test_a_running_pod_is_marked_before_it_goes(self):
        self.add("a", phase="Running")
        watch = self.watch(f"resourceVersion={self.store.resource_version}")
        self.call("DELETE", "/api/v1/namespaces/default/pods/a")
        event = watch.next()
        self.assertEqual(event["type"], "MODIFIED")
        self.assertIn("deletionTimestamp", event["object"]["metadata"])
        self.call("DELETE", "/api/v1/namespaces/default/pods/a", {"gracePeriodSeconds": 0})
        self.assertEqual(watch.next()["type"], "DELETED")

    def test_concurrent_writers_make_one_event_each(self):
        self.add("a")
        rv = self.store.resource_version

        def write(i):
            for j in range(20):
                self.store.update(
                    POD,
                    "default",
                    "a",
                    lambda o: {**o, "metadata": {**o["metadata"], "labels": {"w": f"{i}-{j}"}}},
                )

        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(
            [e.rv for e in self.store.events_after(rv, 0)], list(range(rv + 1, rv + 81))
        )


class Selectors(unittest.TestCase):
    def test_labels(self):
        labels = {"app": "web", "tier": "front", "empty": ""}
        obj = {"metadata": {"labels": labels}}
        for text, want in [
            ("app=web", True),
            ("app==web", True),
            ("app!=web", False),
            ("none!=x", True),
            ("app", True),
            ("!app", False),
            ("!none", True),
            ("app in (web, db)", True),
            ("app notin (web)", False),
            ("none notin (a)", True),
            ("none in (a)", False),
            ("app=web,tier=back", False),
            ("app in (web),tier=front", True),
            ("empty=", True),
        ]:
            with self.subTest(text):
                self.assertEqual(label_predicate(text)(obj), want)
        with self.assertRaises(ApiError):
            label_predicate("a b c")

    def test_fields(self):
        obj = {"metadata": {"name": "n", "namespace": "s"}, "spec": {"nodeName": "x"}}
        for text, want in [
            ("metadata.name=n", True),
            ("metadata.namespace!=s", False),
            ("spec.nodeName=x", True),
            ("status.phase=", True),
            ("status.phase=Running", False),
        ]:
            with self.subTest(text):
                self.assertEqual(field_predicate(text, POD)(obj), want)


if __name__ == "__main__":
    unittest.main()
