"""Requests between pods against what a real server logged: nginx, asked by curl and over HTTP/2 by h2load."""

import collections
import os
import re
import unittest

from machine_pods import NGINX, with_programs
from minicluster import objects as o, wait_for
from requests_case import RequestsCase

_SECRET = "s3cr3t"
_LARGE = 3_000_000
_LARGE_ASKED = "/large.bin?[1-10]"
# Requests of a client: path as curl expands it, and how often.
_ASKED = (
    (f"/users/[1-200]/orders?token={_SECRET}", 200),
    ("/missing/[1-40]", 40),
    ("/broken", 1),
    ("/small.txt?[1-100]", 100),
    (_LARGE_ASKED, 10),
    ("/proxied/[1-50]", 50),
)
_ROUTES = (
    (r"/users/\d+/orders", "/users/:id/orders"),
    (r"/missing/\d+", "/missing/:id"),
    (r"/proxied/\d+", "/proxied/:id"),
)
_BY = ("http_request_method", "http_route", "http_response_status_code")

_CONFIG = NGINX + """
  sendfile on;
  keepalive_requests 100000;
  log_format asked '$request_method $uri $status';
  server {
    listen 8080;
    listen 8082 http2;
    access_log /web/access.log asked;
    root /web/files;
    location /users/ { return 200 "a user\\n"; }
    location /missing/ { return 404; }
    location /broken { return 500; }
    location /proxied/ { proxy_pass http://127.0.0.1:8081; }
  }
  server {
    listen 127.0.0.1:8081;
    access_log /web/behind.log asked;
    location / { return 201 "from behind\\n"; }
  }
}
"""


def _expand(path, count):
    """What curl makes of it."""
    return [re.sub(r"\[1-\d+\]", str(i), path) for i in range(1, count + 1)]


class Requests(RequestsCase):
    def logged(self, file):
        """What a log of nginx has, by method, route and status."""
        counts = collections.Counter()
        with open(os.path.join(self.web, file), encoding="ascii") as log:
            for line in log:
                method, path, status = line.split()
                for pattern, route in _ROUTES:
                    path = re.sub(pattern, route, path)
                counts[method, path, status] += 1
        return dict(counts)

    def told(self, metric, **labels):
        matchers = {"namespace": "shop", "cluster": self.cluster.name, **labels}
        selector = ",".join(f'{k}="{v}"' for k, v in matchers.items())
        return self.collector.by(
            f"sum by ({', '.join(_BY)}) (histogram_count({metric}{{{selector}}}))", *_BY
        )

    def wait_told(self, want, metric, **labels):
        wait_for(
            lambda: self.told(metric, **labels) == want,
            lambda: f"{metric} {labels}: {want}; it is {self.told(metric, **labels)}; "
            f"losses {self.agent_metrics('leadline_agent_request_losses_total')}",
            30,
            0.2,
        )

    def test_counts_routes_and_status_codes_are_nginxs_own(self):
        self.web = os.path.join(self.folder, "web")
        os.makedirs(os.path.join(self.web, "files"))
        for name, text in {
            "nginx.conf": _CONFIG,
            "files/small.txt": "small\n",
            "files/large.bin": "x" * _LARGE,
        }.items():
            with open(os.path.join(self.web, name), "w", encoding="ascii") as f:
                f.write(text)
        server = o.deployment(
            "shop", "web", o.container("nginx", "/opt/nginx", "-c", "/web/nginx.conf", "-e", "/web/error.log")
        )
        with_programs(server["spec"]["template"]["spec"], self.web)
        self.cluster.apply(server)
        pod = self.cluster.wait_pods(1, "shop", app="web")[0]
        wait_for(
            lambda: os.path.exists(os.path.join(self.web, "nginx.pid")),
            lambda: self.cluster.pod_log("shop", pod["metadata"]["name"], "nginx"),
        )
        urls = [
            f"http://{pod['status']['podIP']}:8082{path}"
            for asked, count in _ASKED
            if asked != _LARGE_ASKED  # of bodies over HTTP/2 the ring may lose some (docs/roadmap.md)
            for path in _expand(asked, count)
        ]
        with open(os.path.join(self.web, "urls"), "w", encoding="ascii") as f:
            f.write("\n".join(urls))
        curl = "/usr/bin/curl -s " + " ".join(
            f"'http://{pod['status']['podIP']}:8080{path}'" for path, _ in _ASKED
        )
        h2load = f"/usr/bin/h2load -c 1 -n {len(urls)} -i /web/urls"
        asking = {
            "one": curl,  # after the other, over one connection
            "many": f"{curl} -Z --parallel-max 8",
            "one-http2": f"{h2load} -m 1",
            "many-http2": f"{h2load} -m 8",
        }
        # They stay, and so do their series.
        clients = [
            o.container(
                name, "/bin/sh", "-c", f"{ask} -H 'Authorization: {_SECRET}' >/dev/null; exec sleep infinity"
            )
            for name, ask in asking.items()
        ]
        client = o.deployment("shop", "client", *clients)
        with_programs(client["spec"]["template"]["spec"], self.web)
        self.cluster.apply(client)
        expected = 2 * sum(count for _, count in _ASKED) + 2 * len(urls)
        wait_for(
            lambda: os.path.exists(os.path.join(self.web, "access.log"))
            and sum(self.logged("access.log").values()) == expected,
            lambda: f"nginx has logged {self.logged('access.log')}",
            60,
            0.1,
        )
        logged = self.logged("access.log")
        behind = self.logged("behind.log")
        self.wait_told(logged, "http_client_request_duration_seconds", controller="client")
        # The server behind is nginx too, and so is its client.
        self.wait_told(
            {key: logged.get(key, 0) + behind.get(key, 0) for key in {*logged, *behind}},
            "http_server_request_duration_seconds",
            controller="web",
        )
        self.wait_told(behind, "http_client_request_duration_seconds", controller="web")
        errors = self.collector.by(
            "sum by (error_type) (histogram_count(http_server_request_duration_seconds"
            f'{{namespace="shop",cluster="{self.cluster.name}",error_type!=""}}))',
            "error_type",
        )
        self.assertEqual(errors, {("500",): len(clients)})
        self.assert_is_not_told(_SECRET, but_in=self.web)


if __name__ == "__main__":
    unittest.main()
