"""The API server as pods find it: an address in the node, a certificate, a token."""

import ctypes
import os
import secrets
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass

_ADDRESS = "10.244.0.1"  # the node's on the bridge
_PORT = 6443
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def in_network_of(pid, make):
    """make(), whose sockets then are in the network namespace of process `pid`."""
    made = []

    def enter_and_make():
        try:
            fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            try:
                if _libc.setns(fd, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns to the network of {pid}")
            finally:
                os.close(fd)
            made.append((make(), None))
        except OSError as e:
            made.append((None, e))

    thread = threading.Thread(target=enter_and_make)  # which keeps the other network to its end
    thread.start()
    thread.join()
    value, error = made[0]
    if error is not None:
        raise error
    return value


def make_certificate(folder, addresses=("127.0.0.1",)):
    """A self-signed certificate for the addresses: (certificate file, key file)."""
    certificate, key = os.path.join(folder, "ca.crt"), os.path.join(folder, "tls.key")
    names = ",".join(f"IP:{a}" for a in addresses)
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    request += ["ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate]
    request += ["-days", "2", "-subj", "/CN=leadline-test", "-addext", f"subjectAltName={names}"]
    subprocess.run(request, check=True, capture_output=True)
    return certificate, key


@dataclass(frozen=True)
class ServiceAccount:
    """One for every pod: what is in its environment and in its secret's folder."""

    token: str
    certificate: str

    environment = {"KUBERNETES_SERVICE_HOST": _ADDRESS, "KUBERNETES_SERVICE_PORT": str(_PORT)}

    def files(self, namespace):
        return {"token": self.token, "ca.crt": self.certificate, "namespace": namespace}


class InCluster:
    """Certificate and token of an API server that pods may ask. `stop()` removes its files."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="leadline-in-cluster-")
        self.tls = make_certificate(self._folder.name, ("127.0.0.1", _ADDRESS))
        with open(self.tls[0], encoding="ascii") as f:
            self.account = ServiceAccount(secrets.token_urlsafe(24), f.read())

    def serve(self, api, node):
        """Has `api` answer in the node's network too."""
        api.serve_also(
            in_network_of(node.pid, lambda: socket.create_server((_ADDRESS, _PORT), backlog=128))
        )

    def stop(self):
        self._folder.cleanup()
