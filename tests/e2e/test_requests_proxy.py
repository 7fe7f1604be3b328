"""Requests through HAProxy to Apache, against what Apache logged: each is told four times."""

import collections
import os
import re
import unittest

from minicluster import wait_for
from requests_case import RequestsCase

_BY = ("http_request_method", "http_route", "http_response_status_code")
_LOAD = 4_000  # at 1,000 a second, which agents with a sanitizer can follow

_APACHE = """
ServerRoot /web
PidFile /web/pid
ErrorLog /web/error.log
ServerName apache
Listen 8080
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
DocumentRoot /web
LogFormat "%m %U %>s" asked
CustomLog /web/access.log asked
KeepAlive On
MaxKeepAliveRequests 0
Redirect 302 /moved /page.txt
Redirect gone /gone
"""
_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen web
  bind :8080
  server apache {address}:8080
"""
_CLIENT = f"""
until curl -sf http://$SERVER:8080/page.txt >/dev/null; do sleep 0.1; done
curl -s "http://$SERVER:8080/page.txt?[1-50]" >/dev/null
curl -s -X PUT -d x "http://$SERVER:8080/items/[1-30]" >/dev/null
curl -s "http://$SERVER:8080/moved?[1-20]" "http://$SERVER:8080/gone?[1-10]" >/dev/null
hey -n {_LOAD} -c 10 -q 100 -m POST -d 'a body' http://$SERVER:8080/load/12345 >/dev/null
touch /web/done
exec sleep infinity
"""


def _logged(folder):
    """What Apache has, by method, route and status."""
    with open(os.path.join(folder, "access.log"), encoding="ascii") as log:
        return collections.Counter(
            tuple(re.sub(r"/\d+\b", "/:id", line.strip()).split()) for line in log
        )


class Proxy(RequestsCase):
    def told(self, side, controller):
        return self.collector.by(
            f"sum by ({', '.join(_BY)}) (histogram_count(http_{side}_request_duration_seconds"
            f'{{namespace="shop",cluster="{self.cluster.name}",controller="{controller}"}}))',
            *_BY,
        )

    def test_each_hop_has_apaches_own_counts(self):
        files = {"apache.conf": _APACHE, "page.txt": "page\n"}
        apache_folder, apache = self.run_pod("apache", "exec apache2 -X -f /web/apache.conf", files)
        config = _HAPROXY.format(address=apache["status"]["podIP"])
        _, haproxy = self.run_pod("haproxy", "exec /opt/haproxy -f /web/haproxy.cfg", {"haproxy.cfg": config})
        script = f"SERVER={haproxy['status']['podIP']}\n{_CLIENT}"
        client_folder, client = self.run_pod("client", script, {})
        wait_for(
            lambda: os.path.exists(os.path.join(client_folder, "done")),
            lambda: "\n".join(
                self.cluster.pod_log("shop", pod["metadata"]["name"]) for pod in (apache, haproxy, client)
            ),
            60,
            0.1,
        )
        want = _logged(apache_folder)
        for side, controller in [
            ("server", "apache"),
            ("client", "haproxy"),
            ("server", "haproxy"),
            ("client", "client"),
        ]:
            wait_for(
                lambda s=side, c=controller: self.told(s, c) == want,
                lambda s=side, c=controller: f"{c}: {want}; it is {self.told(s, c)}; losses "
                f"{self.agent_metrics('leadline_agent_request_losses_total')}",
                30,
                0.2,
            )


if __name__ == "__main__":
    unittest.main()
