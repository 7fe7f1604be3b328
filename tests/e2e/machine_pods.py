"""Pods that run programs of this machine."""

import os

from minicluster import paths

# Of a configuration of nginx, which writes to /web: a main section, and the begin of that of HTTP.
NGINX = """
daemon off;
user root;
worker_processes 2;
pid /web/nginx.pid;
error_log /web/error.log;
events {}
http {
  client_body_temp_path /web/body;
  proxy_temp_path /web/proxy;
  fastcgi_temp_path /web/fastcgi;
  uwsgi_temp_path /web/uwsgi;
  scgi_temp_path /web/scgi;
"""


def with_programs(spec, folder):
    """The pod with the machine's own libraries and programs, those that ./dev unpacks as /opt, and `folder` as
    /web."""
    shared = {name: f"/{name}" for name in ("etc", "usr", "lib", "lib64")}
    shared.update(web=folder, tools=os.path.dirname(paths.tool("nginx")))
    places = {"web": "/web", "tools": "/opt"}
    for name, path in shared.items():
        spec["volumes"].append({"name": name, "hostPath": {"path": path}})
        for container in spec["containers"]:
            container["volumeMounts"] = [
                *container["volumeMounts"],
                {"name": name, "mountPath": places.get(name, path), "readOnly": name != "web"},
            ]
