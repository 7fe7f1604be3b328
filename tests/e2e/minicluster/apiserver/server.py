"""The API server: a store, what is set to go wrong, and a listener."""

import ssl
import threading

from .access import Access
from .faults import Faults
from .listener import Listener
from .pages import Pages
from .store import Store
from .writes import Writes


class ApiServer:
    """`with ApiServer(store) as api: ... api.url`. With listen=False it refuses until start()."""

    def __init__(self, store=None, listen=True, tls=None, **access):
        """`tls`: (certificate file, key file), or None for plain HTTP. `access`: see Access."""
        self.store = store if store is not None else Store()
        self.faults = Faults()
        self.access = Access(**access)
        self.bookmark_interval_s = 5.0
        self.gone_as_status = False  # answer a watch from a forgotten version with HTTP 410
        self.pod_logs = lambda namespace, name, container: ""
        self._tls = tls
        self.pages = Pages(self.store)
        self.writes = Writes(self.store)
        self.stopping = threading.Event()
        self._http = Listener(("127.0.0.1", 0), self)
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
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="apiserver", daemon=True
        )
        self._thread.start()

    def serve_also(self, listening):
        """Answers what comes to another listening socket as well, until stop()."""
        self._http.serve_also(listening)

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
        self.access.prepare(context)
        return context.wrap_socket(connection, server_side=True)
