"""Pod networks: a network namespace each, joined to the node's bridge by a veth pair."""

import threading

_FIRST, _LAST = 2, 254


class PodNetwork:
    def __init__(self, node):
        self._node = node
        self._free = list(range(_LAST, _FIRST - 1, -1))
        self._lock = threading.Lock()

    def add(self, name):
        """Makes the namespace `name`; returns its path on the node and its address."""
        with self._lock:
            if not self._free:
                raise RuntimeError("the pod network has no address left")
            host = self._free.pop()
        address = f"10.244.0.{host}"
        outside = [
            f"netns add {name}",
            f"link add veth{host} type veth peer name eth0 netns {name}",
            f"link set veth{host} master cni0 up",
        ]
        inside = [
            "link set lo up",
            f"addr add {address}/24 dev eth0",
            "link set eth0 up",
            "route add default via 10.244.0.1",
        ]
        self._node.run(
            [
                "sh",
                "-ec",
                f"ip -batch - <<'.'\n{chr(10).join(outside)}\n.\n"
                f"ip -n {name} -batch - <<'.'\n{chr(10).join(inside)}\n.\n",
            ]
        )
        return f"/run/netns/{name}", address

    def remove(self, name, address):
        host = int(address.rsplit(".", 1)[1])
        # By itself the pair goes with the namespace, but some time after the command.
        self._node.run(["ip", "link", "delete", f"veth{host}"], check=False)
        self._node.run(["ip", "netns", "delete", name], check=False)
        with self._lock:
            self._free.insert(0, host)

    def take_next(self, address):
        """The next pod gets this address, which is free."""
        host = int(address.rsplit(".", 1)[1])
        with self._lock:
            self._free.remove(host)
            self._free.append(host)
