"""The API emulator: what goes wrong on demand, and what it does with clients that are wrong."""

import http.client
import json
import socket
import ssl
import tempfile
import unittest
import urllib.parse

from api_case import PODS, ApiCase
from minicluster.apiserver import ApiServer, control
from minicluster.in_cluster import make_certificate


class FaultsOnDemand(ApiCase):
    def test_statuses_and_how_often(self):
        self.api.faults.add(
            "status", verb="list", code=429, reason="TooManyRequests", retry_after_s=3, times=2
        )
        for _ in range(2):
            code, status = self.get(PODS)
            self.assertEqual((code, status["details"]["retryAfterSeconds"]), (429, 3))
            self.assertEqual(self.headers["Retry-After"], "3")
        self.assertEqual(self.get(PODS)[0], 200)

    def test_over_http(self):
        fault = {"action": "status", "verb": "list", "code": 503, "times": 2}
        code, made = self.call("POST", control.PATH, fault)
        self.assertEqual((code, made["reason"]), (201, "InternalError"))
        self.assertEqual(self.get(PODS)[0], 503)
        _, state = self.get(control.PATH)
        self.assertEqual([f["times"] for f in state["faults"]], [1])
        self.assertEqual((state["fired"], state["requests"]), ({"status": 1}, 1))
        self.assertEqual(self.call("DELETE", control.PATH)[0], 200)
        self.assertEqual(self.get(PODS)[0], 200)

    def test_over_http_what_is_no_fault(self):
        for body in ({"action": "explode"}, {"code": 500}, {"action": "drop", "when": 1}, None, []):
            with self.subTest(body):
                self.assertEqual(self.call("POST", control.PATH, body)[0], 400)
        self.assertEqual(self.call("PUT", control.PATH, {})[0], 405)
        self.assertEqual(self.get(control.PATH)[1]["faults"], [])

    def test_only_what_they_are_for(self):
        self.api.faults.add(
            "status", verb="get", resource="replicasets", code=403, reason="Forbidden", times=None
        )
        self.assertEqual(self.get(PODS)[0], 200)
        for _ in range(3):
            self.assertEqual(self.get("/apis/apps/v1/namespaces/default/replicasets/x")[0], 403)
        self.api.faults.clear()
        self.assertEqual(self.get("/apis/apps/v1/namespaces/default/replicasets/x")[0], 404)

    def test_a_dropped_connection(self):
        self.api.faults.add("drop")
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.get(PODS)
        self.assertEqual(self.get(PODS)[0], 200)

    def test_a_truncated_answer_and_a_truncated_watch(self):
        self.add("a", "b")
        self.api.faults.add("truncate", verb="list", after_bytes=30)
        with self.assertRaises(http.client.IncompleteRead):
            self.get(PODS)
        self.api.faults.add("truncate", verb="watch", after_events=1)
        watch = self.watch()
        self.assertEqual(watch.take(1), [("ADDED", "a")])
        with self.assertRaises(http.client.IncompleteRead) as e:
            watch.rest()
        with self.assertRaises(ValueError):
            json.loads(e.exception.partial)

    def test_a_hanging_watch_says_nothing(self):
        self.api.faults.add("hang", verb="watch")
        self.api.bookmark_interval_s = 0.01
        watch = self.watch("allowWatchBookmarks=true")
        self.assertEqual(watch.response.status, 200)
        self.add("a")
        watch.connection.sock.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            watch.response.readline()

    def test_gone_both_ways(self):
        self.api.faults.add("gone_event", verb="watch")
        self.api.faults.add("gone_status", verb="watch")
        rv = self.store.resource_version
        watch = self.watch(f"resourceVersion={rv}")
        self.assertEqual((watch.response.status, watch.next()["object"]["code"]), (200, 410))
        self.assertEqual(self.get(f"{PODS}?watch=1&resourceVersion={rv}")[0], 410)

    def test_a_watch_that_ends_after_some_events(self):
        self.add("a", "b", "c")
        self.api.faults.add("close", verb="watch", after_events=2)
        watch = self.watch()
        self.assertEqual(watch.take(2), [("ADDED", "a"), ("ADDED", "b")])
        self.assertEqual(watch.rest(), b"")

    def test_all_connections_at_once(self):
        watches = [self.watch() for _ in range(3)]
        self.add("a")
        for watch in watches:
            watch.take(1)
        self.api.drop_connections()
        for watch in watches:
            with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)):
                watch.rest()
        self.assertEqual(self.get(PODS)[0], 200)

    def test_requests_are_counted(self):
        self.get(PODS)
        self.get(PODS)
        self.watch()
        self.get("/api/v1/namespaces/default/pods/none")
        counts = [self.api.faults.requests(verb, "pods") for verb in ("list", "watch", "get")]
        self.assertEqual(counts, [2, 1, 1])
        self.assertEqual(self.api.faults.requests(), 4)
        self.get(f"{PODS}?limit=7")
        self.assertEqual(self.api.faults.queries("list", "pods"), [{}, {}, {"limit": "7"}])


class Reaching(unittest.TestCase):
    def test_refuses_connections_until_it_starts(self):
        api = ApiServer(listen=False)
        self.addCleanup(api.stop)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", api.port), 5).close()
        api.start()
        socket.create_connection(("127.0.0.1", api.port), 5).close()

    def test_tls_and_token(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            with ApiServer(token="secret", tls=(certificate, key)) as api:
                context = ssl.create_default_context(cafile=certificate)
                for header, want in ((None, 401), ("Bearer wrong", 401), ("Bearer secret", 200)):
                    connection = http.client.HTTPSConnection(
                        "127.0.0.1", api.port, timeout=5, context=context
                    )
                    connection.request(
                        "GET", "/version", headers={"Authorization": header} if header else {}
                    )
                    self.assertEqual(connection.getresponse().status, want)
                    connection.close()

    def test_broken_requests_are_refused_and_the_server_lives(self):
        with ApiServer() as api:
            for raw in (
                b"\r\n\r\n",
                b"GET\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"\x16\x03\x01\x02\x00",
                b"GET /api/v1/pods?limit=x " b"HTTP/1.1\r\nHost: a\r\n\r\n",
                b"POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 3\r\n\r\n{{{",
            ):
                with socket.create_connection(("127.0.0.1", api.port), 5) as connection:
                    connection.sendall(raw)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
            url = urllib.parse.urlsplit(api.url)
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
            connection.request("GET", "/readyz")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()


if __name__ == "__main__":
    unittest.main()
