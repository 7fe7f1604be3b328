"""The ways to an API server: kubeconfigs, tokens, passwords, certificates and plugins."""

import os
import stat
import tempfile
import unittest

from minicluster import objects as o
from minicluster import wait_for
from minicluster.apiserver import ApiServer, Store
from minicluster.apiserver.resources import resource
from minicluster.in_cluster import make_certificate
from test_kube_client import NODE, POD, TIMEOUT_S, Watcher


class AccessCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.certificate, self.key = make_certificate(self.folder)
        self.store = Store()
        self.store.create(resource("Namespace"), "", {"metadata": {"name": "shop"}})

    def serve(self, **access):
        api = ApiServer(self.store, tls=(self.certificate, self.key), **access)
        self.addCleanup(api.stop)
        return api

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def kubeconfig(self, api, user, cluster="certificate-authority: ca.crt"):
        """One with a single context; what `user` and `cluster` have is YAML in flow style."""
        return self.write(
            "kubeconfig",
            f"""current-context: x
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{api.url}", {cluster}}}}}]
users: [{{name: u, user: {{{user}}}}}]
""",
        )

    def watch(self, *args, **environment):
        watcher = Watcher(*args, **environment)
        self.addCleanup(watcher.stop)
        return watcher

    def assert_sees(self, watcher, name):
        pod = o.pod("shop", name, o.container("c", "/bin/pause"))
        pod["spec"]["nodeName"] = NODE
        self.store.create(POD, "shop", pod)
        wait_for(
            lambda: f"shop/{name}" in watcher.pods, lambda: f"{name}; it says: {watcher}", TIMEOUT_S
        )

    def wait_error(self, watcher, *texts):
        wait_for(
            lambda: any(all(t in e for t in texts) for e in watcher.errors),
            lambda: f"{texts} in {watcher}",
            TIMEOUT_S,
        )


class Kubeconfigs(AccessCase):
    def test_a_client_certificate(self):
        api = self.serve(client_ca=self.certificate)
        config = self.kubeconfig(api, "client-certificate: ca.crt, client-key: tls.key")
        self.assert_sees(self.watch("--kubeconfig", config), "a")

    def test_without_its_certificate_it_is_refused_and_says_so(self):
        api = self.serve(client_ca=self.certificate)
        watcher = self.watch("--kubeconfig", self.kubeconfig(api, "token: wrong"))
        self.wait_error(watcher, "401", "check the token, certificate or plugin")
        self.assertEqual(watcher.synced, 0)

    def test_a_password_by_the_environment(self):
        api = self.serve(password="eve:apple")
        config = self.kubeconfig(api, "username: eve, password: apple")
        self.assert_sees(self.watch(KUBECONFIG=f"/no/such/file:{config}"), "a")

    def test_a_token_file_that_rotates(self):
        api = self.serve(token="first")
        token = self.write("token", "first\n")
        watcher = self.watch("--kubeconfig", self.kubeconfig(api, "tokenFile: token"))
        self.assert_sees(watcher, "a")
        api.access.token = "second"
        api.drop_connections()
        self.wait_error(watcher, "401")
        self.write(os.path.basename(token), "second\n")
        self.assert_sees(watcher, "b")

    def test_a_server_of_another_name(self):
        api = self.serve()
        cluster = "certificate-authority: ca.crt, tls-server-name: kube.test"
        watcher = self.watch("--kubeconfig", self.kubeconfig(api, "", cluster))
        self.wait_error(watcher, "kube.test")
        self.assertEqual(api.faults.requests(), 0)

    def test_what_is_wrong_is_said_at_once(self):
        api = self.serve()
        for user, error in (
            ("token: a, username: b", "kubeconfig:4: users[0].user: has both a token"),
            ("client-key: none", "kubeconfig:4: users[0].user.client-key: "),
        ):
            with self.subTest(user):
                watcher = self.watch("--kubeconfig", self.kubeconfig(api, user))
                self.assertEqual(watcher.process.wait(TIMEOUT_S), 1)
                self.wait_error(watcher, error)


class Plugins(AccessCase):
    def plugin(self, version, status):
        self.write(
            "plugin",
            f"""#!/bin/sh
echo run >> {self.folder}/runs
cat <<END
{{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/{version}",
 "status": {status}}}
END
""",
            stat.S_IRWXU,
        )
        return (
            f"exec: {{apiVersion: client.authentication.k8s.io/{version}, command: ./plugin, "
            "interactiveMode: Never}"
        )

    def runs(self):
        with open(os.path.join(self.folder, "runs"), encoding="ascii") as f:
            return len(f.readlines())

    def test_a_token_that_is_renewed_when_it_is_refused(self):
        api = self.serve(token="first")
        # The plugin's here-document is expanded by its shell.
        user = self.plugin("v1", f'{{"token": "$(cat {self.folder}/secret)"}}')
        self.write("secret", "first")
        watcher = self.watch("--kubeconfig", self.kubeconfig(api, user))
        self.assert_sees(watcher, "a")
        self.assertEqual(self.runs(), 1)
        self.write("secret", "second")
        api.access.token = "second"
        api.drop_connections()
        self.assert_sees(watcher, "b")
        self.assertEqual(self.runs(), 2)

    def read_plugin(self):
        with open(os.path.join(self.folder, "plugin"), encoding="ascii") as f:
            return f.read()

    def test_a_certificate(self):
        api = self.serve(client_ca=self.certificate)
        texts = []
        for path in (self.certificate, self.key):
            with open(path, encoding="ascii") as f:
                texts.append(f.read().replace("\n", "\\n"))
        status = f'{{"clientCertificateData": "{texts[0]}", "clientKeyData": "{texts[1]}"}}'
        user = self.plugin("v1beta1", status)
        self.write("plugin", self.read_plugin().replace("<<END", "<<'END'"), stat.S_IRWXU)
        self.assert_sees(self.watch("--kubeconfig", self.kubeconfig(api, user)), "a")

    def test_one_that_fails_is_quoted_and_asked_again(self):
        api = self.serve(token="t")
        user = self.plugin("v1", '{"token": "t"}')
        good = self.read_plugin()
        self.write("plugin", "#!/bin/sh\necho please log in >&2\nexit 3\n", stat.S_IRWXU)
        watcher = self.watch("--kubeconfig", self.kubeconfig(api, user))
        self.wait_error(watcher, "plugin: exit code 3: please log in")
        self.write("plugin.new", good, stat.S_IRWXU)
        os.rename(os.path.join(self.folder, "plugin.new"), os.path.join(self.folder, "plugin"))
        self.assert_sees(watcher, "a")


class Secured(unittest.TestCase):
    def test_tls_and_a_token_that_rotates(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            token_file = os.path.join(folder, "token")
            with open(token_file, "w", encoding="ascii") as f:
                f.write("first\n")
            store = Store()
            with ApiServer(store, token="first", tls=(certificate, key)) as api:
                store.create(resource("Namespace"), "", {"metadata": {"name": "shop"}})
                watcher = Watcher(
                    "-k",
                    api.url,
                    "--kubernetes-token-file",
                    token_file,
                    "--kubernetes-ca-file",
                    certificate,
                )
                self.addCleanup(watcher.stop)
                pod = o.pod("shop", "a", o.container("c", "/bin/pause"))
                pod["spec"]["nodeName"] = NODE
                store.create(POD, "shop", pod)
                wait_for(lambda: "shop/a" in watcher.pods, lambda: f"the pod: {watcher}", TIMEOUT_S)
                api.access.token = "second"
                with open(token_file, "w", encoding="ascii") as f:
                    f.write("second\n")
                api.drop_connections()
                pod["metadata"]["name"] = "b"
                store.create(POD, "shop", pod)
                wait_for(lambda: "shop/b" in watcher.pods, lambda: f"the pod: {watcher}", TIMEOUT_S)

    def test_a_server_that_it_does_not_trust(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            os.makedirs(os.path.join(folder, "other"))
            other, _ = make_certificate(os.path.join(folder, "other"))
            with ApiServer(Store(), tls=(certificate, key)) as api:
                watcher = Watcher("-k", api.url, "--kubernetes-ca-file", other)
                self.addCleanup(watcher.stop)
                wait_for(
                    lambda: any("certificate" in e.lower() for e in watcher.errors),
                    lambda: str(watcher),
                    TIMEOUT_S,
                )
                self.assertEqual(watcher.synced, 0)
                self.assertEqual(api.faults.requests(), 0)


if __name__ == "__main__":
    unittest.main()
