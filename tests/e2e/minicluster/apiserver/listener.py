"""The listening socket and the connections that are open."""

import socket
import ssl
import threading
from http.server import ThreadingHTTPServer

from .handler import Handler


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address, api):
        self.api = api
        self._open = set()
        self._open_lock = threading.Lock()
        self._others = []
        super().__init__(address, Handler, bind_and_activate=False)
        self.server_bind()

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        return self._accept(self.socket)

    def serve_also(self, listening):
        """Answers what comes to another listening socket as well; takes it over."""
        self._others.append(listening)

        def serve():
            try:
                while True:
                    self.process_request(*self._accept(listening))
            except OSError:
                listening.close()  # shut down

        threading.Thread(target=serve, name="apiserver-also", daemon=True).start()

    def _accept(self, listening):
        connection, address = listening.accept()
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

    def server_close(self):
        super().server_close()
        for listening in self._others:
            listening.shutdown(socket.SHUT_RDWR)

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
