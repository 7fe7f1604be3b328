"""A pod's volumes as folders of the node."""

import base64
import os

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Volumes:
    """`base`: a folder of the pod's own, in which they are made and stay for tests to read.
    `node_root`: the node's file system, which has a /run of its own. `secret(name)`: its object."""

    def __init__(self, pod, base, node_root, secret):
        self._volumes = {v["name"]: v for v in pod["spec"].get("volumes", [])}
        self._fs_group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
        self._base = base
        self._node_root = node_root
        self._secret = secret
        os.makedirs(base)

    def path(self, name):
        return os.path.join(self._base, name)

    def source(self, name):
        """What is mounted for the volume; made when it is not there yet."""
        if name not in self._volumes:
            raise RuntimeError(f'MountVolume: no volume "{name}" in the pod')
        volume = self._volumes[name]
        if "secret" in volume:
            return self._fill(name, volume["secret"])
        host_path = volume.get("hostPath")
        if host_path is None:
            return self._make(name)
        path = host_path["path"]
        if host_path.get("type") == "DirectoryOrCreate":
            os.makedirs(self._node_root + path, exist_ok=True)
        # A runtime would make it on the node; a test leaves nothing there.
        return path if os.path.exists(self._node_root + path) else self._make(name)

    def service_account(self, account):
        """(folder, where it is mounted) of the files that a pod finds the API server by."""
        folder = self._make("kube-api-access")
        for file, text in account.items():
            with open(os.path.join(folder, file), "w", encoding="ascii") as f:
                f.write(text)
        return folder, _SERVICE_ACCOUNT

    def hosts(self, aliases):
        """A file for /etc/hosts, as the kubelet writes it."""
        path = self.path("etc-hosts")
        with open(path, "w", encoding="ascii") as f:
            f.write("127.0.0.1\tlocalhost\n")
            for alias in aliases:
                f.write(f"{alias['ip']}\t{' '.join(alias['hostnames'])}\n")
        return path

    def _fill(self, name, source):
        folder = self._make(name)
        for file, data in self._secret(source["secretName"])["data"].items():
            path = os.path.join(folder, file)
            with open(path, "wb") as f:
                f.write(base64.b64decode(data))
            os.chmod(path, source.get("defaultMode", 0o644))
            if self._fs_group is not None:
                os.chown(path, -1, self._fs_group)
        return folder

    def _make(self, name):
        path = self.path(name)
        if not os.path.isdir(path):
            os.makedirs(path)
            if self._fs_group is not None:
                os.chown(path, -1, self._fs_group)
                os.chmod(path, 0o2775)
        return path
