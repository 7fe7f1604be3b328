"""The HTTP side: routes requests to the store and speaks the protocol as kube-apiserver does."""

import base64
import json
import random
import re
import select
import socket
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import errors, openapi_v2, requests
from .deletion import delete_object
from .discovery import DOCUMENTS
from .errors import ApiError
from .faults import Faults
from .patch import apply_patch
from .store import Store
from .table import table
from .watch import serve_watch

_MAX_BODY_BYTES = 3 << 20  # as etcd's limit on a request
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$")
_SNAPSHOTS_KEPT = 32


class _Drop(Exception):
    """The connection is to be closed without an answer."""


class ApiServer:
    """`with ApiServer(store) as api: ... api.url`. With listen=False connections are refused until start()."""

    def __init__(self, store=None, listen=True, token=None, tls=None):
        """`tls`: (certificate file, key file), or None for plain HTTP."""
        self.store = store if store is not None else Store()
        self.faults = Faults()
        self.token = token
        self.bookmark_interval_s = 5.0
        self.gone_as_status = False  # answer a watch from a forgotten version with HTTP 410
        self.pod_logs = lambda namespace, name, container: ""
        self._tls = tls
        self._snapshots = {}
        self._snapshot_lock = threading.Lock()
        self.stopping = threading.Event()
        self._http = _Server(("127.0.0.1", 0), self)
        self._thread = None
        if listen:
            self.start()

    @property
    def port(self):
        return self._http.server_address[1]

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        self._http.server_activate()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="apiserver", daemon=True)
        self._thread.start()

    def stop(self):
        self.stopping.set()
        self.store.close()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.close_connections()

    def drop_connections(self):
        """Closes every connection as a crash of the server would; it goes on listening."""
        self._http.close_connections()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wrap(self, connection):
        if not self._tls:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._tls)
        return context.wrap_socket(connection, server_side=True)

    # --- lists ---

    def list_page(self, request, fault):
        """Items of one page and the list's metadata."""
        limit = request.integer("limit") or 0
        token = request.parameter("continue")
        if token:
            items, rv, start = self._resume(request, token, fault)
        else:
            wanted = request.integer("resourceVersion") or 0
            current = self.store.resource_version
            if wanted > current:
                raise ApiError(504, "Timeout", f"Too large resource version: {wanted}, current: {current}",
                               {"causes": [{"reason": "ResourceVersionTooLarge",
                                            "message": "Too large resource version"}]}, retry_after_s=1)
            items, rv = self.store.list(request.resource, matches=request.predicate())
            start = 0
        metadata = {"resourceVersion": str(rv)}
        page = items[start:start + limit] if limit else items[start:]
        end = start + len(page)
        if end < len(items):
            metadata["continue"] = self._continue_token(items, rv, end)
            metadata["remainingItemCount"] = len(items) - end
        return page, metadata

    def _continue_token(self, items, rv, start):
        with self._snapshot_lock:
            self._snapshots[rv] = items
            while len(self._snapshots) > _SNAPSHOTS_KEPT:
                del self._snapshots[next(iter(self._snapshots))]
        last = items[start - 1]["metadata"]
        key = f"{last.get('namespace', '')}/{last['name']}"
        token = {"v": "meta.k8s.io/v1", "rv": rv, "start": key}
        return base64.urlsafe_b64encode(json.dumps(token).encode()).decode()

    def _resume(self, request, token, fault):
        try:
            decoded = json.loads(base64.urlsafe_b64decode(token))
            rv, last = int(decoded["rv"]), tuple(decoded["start"].split("/", 1))
        except (ValueError, KeyError, TypeError):
            raise errors.bad_request("continue key is not valid") from None
        with self._snapshot_lock:
            items = self._snapshots.get(rv)
        if rv == -1:  # inconsistent: from the key on, in what is there now
            items, rv = self.store.list(request.resource, matches=request.predicate())
        elif items is None or (fault and fault.action == "expired_continue"):
            inconsistent = {"v": "meta.k8s.io/v1", "rv": -1, "start": decoded["start"]}
            raise errors.expired("The provided continue parameter is too old to display a consistent list result. "
                                 "You can start a new list without the continue parameter, or use the continue token "
                                 "in this response to retrieve the remainder of the results.",
                                 base64.urlsafe_b64encode(json.dumps(inconsistent).encode()).decode())
        start = sum((o["metadata"].get("namespace", ""), o["metadata"]["name"]) <= last for o in items)
        return items, rv, start

    # --- writes ---

    def create(self, request, body):
        self._check_kind(request, body)
        name = body.get("metadata", {}).get("name")
        if name and not _NAME.match(name):
            raise errors.invalid(request.resource, name, "metadata.name", f'Invalid value: "{name}"')
        if request.resource.kind == "Pod" and not body.get("spec", {}).get("containers"):
            raise errors.invalid(request.resource, name or "", "spec.containers", "Required value")
        namespace = request.namespace or body.get("metadata", {}).get("namespace") or "default"
        if request.resource.kind == "Namespace":
            body.setdefault("status", {})["phase"] = "Active"
        return self.store.create(request.resource, namespace if request.resource.namespaced else "", body)

    def update(self, request, body):
        self._check_kind(request, body)
        return self._change(request, lambda current: body)

    def patch(self, request, body, content_type):
        return self._change(request, lambda current: apply_patch(content_type, current, body))

    def _change(self, request, change):
        if request.subresource == "scale":
            return self._scale(request, change)
        return self.store.update(request.resource, request.namespace, request.name, change, request.subresource)

    def scale_of(self, request):
        obj = self.store.get(request.resource, request.namespace, request.name)
        return {"kind": "Scale", "apiVersion": "autoscaling/v1",
                "metadata": {k: obj["metadata"][k] for k in ("name", "namespace", "uid", "resourceVersion",
                                                             "creationTimestamp")},
                "spec": {"replicas": obj.get("spec", {}).get("replicas", 1)},
                "status": {"replicas": obj.get("status", {}).get("replicas", 0)}}

    def _scale(self, request, change):
        replicas = change(self.scale_of(request)).get("spec", {}).get("replicas", 0)

        def scaled(current):
            current["spec"]["replicas"] = replicas
            return current

        self.store.update(request.resource, request.namespace, request.name, scaled)
        return self.scale_of(request)

    def delete(self, request, options):
        if "gracePeriodSeconds" not in options and request.parameter("gracePeriodSeconds"):
            options = {**options, "gracePeriodSeconds": request.integer("gracePeriodSeconds")}
        return delete_object(self.store, request.resource, request.namespace, request.name, options)

    @staticmethod
    def _check_kind(request, body):
        if request.subresource == "scale" or not isinstance(body, dict):
            return
        kind = body.get("kind", request.resource.kind)
        if kind != request.resource.kind:
            raise errors.bad_request(f"{kind} in version \"{body.get('apiVersion')}\" cannot be handled as a "
                                     f"{request.resource.kind}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address, api):
        self.api = api
        self._open = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler, bind_and_activate=False)
        self.server_bind()

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def finish_request(self, request, client_address):
        try:
            connection = self.api.wrap(request)
        except (ssl.SSLError, OSError):
            return  # not a TLS client, or one that does not trust us
        with self._open_lock:
            self._open.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._open_lock:
                self._open.discard(connection)
            connection.close()

    def shutdown_request(self, request):
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self):
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended by itself

    def handle_error(self, request, client_address):
        pass  # a client that went away


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "leadline-apiserver"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    # --- one request ---

    def _answer(self):
        api = self.server.api
        self.fault = None
        try:
            body = self._read_body()
            if api.token is not None and self.headers.get("Authorization") != f"Bearer {api.token}":
                raise errors.unauthorized()
            path = urllib.parse.urlsplit(self.path).path.rstrip("/")
            if path in ("/healthz", "/livez", "/readyz"):
                self._send(200, b"ok", "text/plain")
            elif path == "/openapi/v2":
                self._send(200, openapi_v2.document(), openapi_v2.CONTENT_TYPE)
            elif path in DOCUMENTS and self.command == "GET":
                self._send_json(200, DOCUMENTS[path])
            else:
                self._serve(requests.parse(self.command, self.path, self.headers.get("Accept", "")), body)
        except ApiError as e:
            self._send_error_status(e)
        except _Drop:
            self.close_connection = True
            self.connection.close()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def _serve(self, request, body):
        api = self.server.api
        shape = requests.representation(request.accept)
        plural = request.resource.plural
        api.faults.count(request.verb, plural, shape.startswith("PartialObjectMetadata"),
                         {k: v[-1] for k, v in request.query.items()})
        self.fault = api.faults.take(request.verb, plural, request.name, bool(request.parameter("continue")))
        self._apply_fault(request)
        if request.verb == "watch":
            serve_watch(self, api, request, shape, self.fault)
        elif request.verb == "list":
            page, metadata = api.list_page(request, self.fault)
            self._send_json(200, self._list_document(request, shape, page, metadata))
        elif request.verb == "get" and request.subresource == "log":
            text = api.pod_logs(request.namespace, request.name, request.parameter("container"))
            self._send(200, text.encode(), "text/plain")
        elif request.verb == "get" and request.subresource == "scale":
            self._send_json(200, api.scale_of(request))
        elif request.verb == "get":
            obj = api.store.get(request.resource, request.namespace, request.name)
            self._send_json(200, self._object_document(request, shape, obj))
        elif request.verb == "create":
            self._send_json(201, self._object_document(request, shape, api.create(request, body or {})))
        elif request.verb == "update":
            self._send_json(200, self._object_document(request, shape, api.update(request, body or {})))
        elif request.verb == "patch":
            patched = api.patch(request, body or {}, self.headers.get("Content-Type"))
            self._send_json(200, self._object_document(request, shape, patched))
        else:
            self._send_json(200, api.delete(request, body or {}))

    def _apply_fault(self, request):
        fault = self.fault
        if fault is None:
            return
        if fault.action == "status":
            raise ApiError(fault.code, fault.reason, f"{fault.reason} (on demand)", retry_after_s=fault.retry_after_s)
        if fault.action == "drop":
            raise _Drop
        if fault.action == "hang" and request.verb != "watch":
            while not self.server.api.stopping.is_set() and not self.client_gone(0.2):
                pass
            raise _Drop

    # --- documents ---

    def _list_document(self, request, shape, page, metadata):
        if shape == "Table":
            return table(request.resource, page, metadata, request.parameter("includeObject", "Metadata"))
        if shape.startswith("PartialObjectMetadata"):
            return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                    "items": [self._partial(o) for o in page]}
        items = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in page]
        return {"kind": request.resource.kind + "List", "apiVersion": request.resource.api_version,
                "metadata": metadata, "items": items}

    def _object_document(self, request, shape, obj):
        if shape == "Table":
            return table(request.resource, [obj], {"resourceVersion": obj["metadata"]["resourceVersion"]},
                         request.parameter("includeObject", "Metadata"))
        return self._partial(obj) if shape == "PartialObjectMetadata" else obj

    @staticmethod
    def _partial(obj):
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}

    def watch_object(self, request, shape, obj):
        return self._object_document(request, shape, obj)

    # --- bytes ---

    def _read_body(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY_BYTES:
            self.close_connection = True
            raise ApiError(413, "RequestEntityTooLarge", f"limit is {_MAX_BODY_BYTES}")
        raw = self.rfile.read(length) if length else b""
        if not raw:
            return None
        kind = (self.headers.get("Content-Type") or "application/json").split(";")[0]
        if "json" not in kind:
            raise ApiError(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")
        try:
            return json.loads(raw)
        except ValueError as e:
            raise errors.bad_request(f"couldn't parse the body: {e}") from None

    def _send_error_status(self, error):
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
        self._send_json(error.code, error.status(), headers)

    def _send_json(self, code, document, headers=None):
        self._send(code, json.dumps(document, separators=(",", ":")).encode() + b"\n", "application/json", headers)

    def _send(self, code, body, content_type, headers=None):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Audit-Id", f"{random.getrandbits(64):016x}")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        truncated = self.fault is not None and self.fault.action == "truncate" and code < 400
        self.wfile.write(body[:self.fault.after_bytes] if truncated else body)
        self.wfile.flush()
        if truncated:
            raise _Drop

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def send_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def abort(self):
        raise _Drop

    def client_gone(self, wait_s=0):
        """Whether the client has closed its side, waiting up to wait_s for it."""
        readable, _, _ = select.select([self.connection], [], [], wait_s)
        if not readable:
            return False
        try:
            if isinstance(self.connection, ssl.SSLSocket):
                return self.connection.recv(1) == b""
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True
