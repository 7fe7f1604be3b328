"""One connection: reads requests, routes them, writes answers and streams."""

import json
import random
import select
import socket
import ssl
import urllib.parse
from http.server import BaseHTTPRequestHandler

from . import control, errors, openapi_v2, requests
from .discovery import DOCUMENTS
from .documents import damaged, list_document, object_document
from .errors import ApiError
from .watch import serve_watch

_MAX_BODY_BYTES = 3 << 20  # as etcd's limit on a request


class Drop(Exception):
    """The connection is to be closed without an answer."""


class Handler(BaseHTTPRequestHandler):
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
            if not api.access.admits(self.connection, self.headers.get("Authorization")):
                raise errors.unauthorized()
            path = urllib.parse.urlsplit(self.path).path.rstrip("/")
            if path in ("/healthz", "/livez", "/readyz"):
                self._send(200, b"ok", "text/plain")
            elif path == control.PATH:
                self._send_json(*control.answer(api.faults, self.command, body))
            elif path == "/openapi/v2":
                self._send(200, openapi_v2.document(), openapi_v2.CONTENT_TYPE)
            elif path in DOCUMENTS and self.command == "GET":
                self._send_json(200, DOCUMENTS[path])
            else:
                self._serve(
                    requests.parse(self.command, self.path, self.headers.get("Accept", "")), body
                )
        except ApiError as e:
            self._send_error_status(e)
        except Drop:
            self.close_connection = True
            self.connection.close()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def _serve(self, request, body):
        api = self.server.api
        shape = requests.representation(request.accept)
        plural = request.resource.plural
        api.faults.count(
            request.verb,
            plural,
            shape.startswith("PartialObjectMetadata"),
            {k: v[-1] for k, v in request.query.items()},
        )
        self.fault = api.faults.take(
            request.verb, plural, request.name, bool(request.parameter("continue"))
        )
        self._apply_fault(request)
        if request.verb == "watch":
            serve_watch(self, api, request, shape, self.fault)
        elif request.verb == "list":
            page, metadata = api.pages.page(request, self.fault)
            document = list_document(request, shape, page, metadata)
            if self.fault is not None and self.fault.action == "bad_object":
                document["items"][:1] = [damaged(item) for item in document["items"][:1]]
            self._send_json(200, document)
        elif request.verb == "get" and request.subresource == "log":
            text = api.pod_logs(request.namespace, request.name, request.parameter("container"))
            self._send(200, text.encode(), "text/plain")
        elif request.verb == "get" and request.subresource == "scale":
            self._send_json(200, api.writes.scale_of(request))
        elif request.verb == "get":
            obj = api.store.get(request.resource, request.namespace, request.name)
            self._send_json(200, object_document(request, shape, obj))
        elif request.verb == "create":
            self._send_json(
                201, object_document(request, shape, api.writes.create(request, body or {}))
            )
        elif request.verb == "update":
            self._send_json(
                200, object_document(request, shape, api.writes.update(request, body or {}))
            )
        elif request.verb == "patch":
            patched = api.writes.patch(request, body or {}, self.headers.get("Content-Type"))
            self._send_json(200, object_document(request, shape, patched))
        else:
            self._send_json(200, api.writes.delete(request, body or {}))

    def _apply_fault(self, request):
        fault = self.fault
        if fault is None:
            return
        if fault.action == "status":
            raise ApiError(
                fault.code,
                fault.reason,
                f"{fault.reason} (on demand)",
                retry_after_s=fault.retry_after_s,
                retry_after_date=fault.retry_after_date,
            )
        if fault.action == "drop":
            raise Drop
        if fault.action == "hang" and request.verb != "watch":
            while not self.server.api.stopping.is_set() and not self.client_gone(0.2):
                pass
            raise Drop

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
            raise ApiError(
                415,
                "UnsupportedMediaType",
                f"the body of the request was in an unknown format: {kind}",
            )
        try:
            return json.loads(raw)
        except ValueError as e:
            raise errors.bad_request(f"couldn't parse the body: {e}") from None

    def _send_error_status(self, error):
        retry_after = error.retry_after()
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self._send_json(error.code, error.status(), headers)

    def _send_json(self, code, document, headers=None):
        self._send(
            code,
            json.dumps(document, separators=(",", ":")).encode() + b"\n",
            "application/json",
            headers,
        )

    def _send(self, code, body, content_type, headers=None):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Audit-Id", f"{random.getrandbits(64):016x}")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        truncated = self.fault is not None and self.fault.action == "truncate" and code < 400
        self.wfile.write(body[: self.fault.after_bytes] if truncated else body)
        self.wfile.flush()
        if truncated:
            raise Drop

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
        raise Drop

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
