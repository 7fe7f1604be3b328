"""What deploy/kubernetes says, without a cluster: schemas, references, privileges, options."""

import copy
import os
import re
import subprocess
import tempfile
import unittest

import manifests
from minicluster import paths

READING = {"get", "list", "watch"}
# Each with its reason in the manifest.
AGENT_CAPABILITIES = {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_RESOURCE"}


def pod_template(obj):
    return obj["spec"]["template"] if obj["kind"] in ("DaemonSet", "StatefulSet") else None


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schemas = manifests.Schemas()
        cls.objects = manifests.load()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.secrets = {s["metadata"]["name"]: s for s in manifests.make_secrets(cls.folder)}
        cls.agent = manifests.find(cls.objects, "DaemonSet", "leadline-agent")
        cls.collector = manifests.find(cls.objects, "StatefulSet", "leadline-collector")

    def pods(self):
        return [(o, pod_template(o)["spec"]) for o in self.objects if pod_template(o)]

    def test_each_object_is_as_the_api_server_has_it(self):
        for obj in self.objects:
            with self.subTest(f"{obj['kind']} {obj['metadata']['name']}"):
                self.assertEqual(self.schemas.errors(obj), [])

    def test_the_secrets_too(self):
        for name, secret in self.secrets.items():
            self.assertEqual(self.schemas.errors(secret), [], name)

    def test_the_secrets_stay_until_they_are_removed(self):
        again = {s["metadata"]["name"]: s for s in manifests.make_secrets(self.folder)}
        self.assertEqual(again, self.secrets)
        os.remove(os.path.join(self.folder, "agent.token"))
        renewed = {s["metadata"]["name"]: s for s in manifests.make_secrets(self.folder)}
        changed = {
            (name, key)
            for name, secret in renewed.items()
            for key, value in secret["data"].items()
            if value != again[name]["data"][key]
        }
        self.assertEqual(
            changed, {("leadline-agent", "agent.token"), ("leadline-collector", "grpc-tokens")}
        )

    def test_no_authority_takes_the_place_of_one_whose_key_is_kept_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:
            first = manifests.make_secrets(folder)
            os.remove(os.path.join(folder, "ca.key"))
            self.assertEqual(manifests.make_secrets(folder), first)
            os.remove(os.path.join(folder, "agent.crt"))
            with self.assertRaises(subprocess.CalledProcessError) as failed:
                manifests.make_secrets(folder)
            self.assertIn("ca.key is not in", failed.exception.stderr)

    def test_a_token_that_was_not_written_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            manifests.make_secrets(folder)
            token = os.path.join(folder, "agent.token")
            os.truncate(token, 0)
            manifests.make_secrets(folder)
            self.assertGreater(os.path.getsize(token), 64)

    def test_files_that_options_name_are_in_the_secrets(self):
        for obj, spec in self.pods():
            secret = self.secrets[obj["metadata"]["name"]]
            for arg in spec["containers"][0]["args"]:
                option, _, value = arg.partition("=")
                if option.endswith("-file"):
                    with self.subTest(arg):
                        folder, file = os.path.split(value)
                        self.assertEqual(folder, "/etc/leadline")
                        self.assertIn(file, secret["data"])

    def test_nothing_is_open_to_all(self):
        for obj, spec in self.pods():
            options = {arg.partition("=")[0] for arg in spec["containers"][0]["args"]}
            self.assertNotIn("--insecure", options)
            self.assertLessEqual({"--tls-cert-file", "--http-tokens-file"}, options)

    def test_the_schemas_find_what_is_wrong(self):
        broken = copy.deepcopy(self.agent)
        spec = broken["spec"]["template"]["spec"]
        spec["hostPid"] = True
        spec["containers"][0]["ports"][0]["containerPort"] = "http"
        del broken["spec"]["selector"]
        errors = "\n".join(self.schemas.errors(broken))
        for text in (
            "'hostPid' was unexpected",
            "'http' is not of type",
            "'selector' is a required",
        ):
            self.assertIn(text, errors)
        self.assertEqual(
            self.schemas.errors({"apiVersion": "apps/v1beta1", "kind": "DaemonSet"}),
            ["no such kind: apps/v1beta1 DaemonSet"],
        )

    def test_kubectl_finds_the_same(self):
        out = subprocess.run(
            ["kubectl", "kustomize", manifests.KUBERNETES_DIR],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        kinds = re.findall(r"^kind: (\w+)$", out, re.MULTILINE)
        self.assertCountEqual(kinds, [o["kind"] for o in self.objects])

    def test_what_is_referred_to_is_there(self):
        accounts = {o["metadata"]["name"] for o in self.objects if o["kind"] == "ServiceAccount"}
        namespace = next(o["metadata"]["name"] for o in self.objects if o["kind"] == "Namespace")
        for obj in self.objects:
            with self.subTest(f"{obj['kind']} {obj['metadata']['name']}"):
                cluster_wide = obj["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding")
                if not cluster_wide:
                    self.assertEqual(obj["metadata"].get("namespace"), namespace)
                template = pod_template(obj)
                if template is None:
                    continue
                labels = template["metadata"]["labels"]
                self.assertLessEqual(obj["spec"]["selector"]["matchLabels"].items(), labels.items())
                self.assertIn(template["spec"]["serviceAccountName"], accounts)
                volumes = {v["name"] for v in template["spec"].get("volumes", [])}
                volumes |= {
                    c["metadata"]["name"] for c in obj["spec"].get("volumeClaimTemplates", [])
                }
                for volume in template["spec"]["volumes"]:
                    if "secret" in volume:
                        self.assertIn(volume["secret"]["secretName"], self.secrets)
                mounted = set()
                for container in template["spec"]["containers"]:
                    mounted |= {m["name"] for m in container["volumeMounts"]}
                    ports = {p["name"] for p in container["ports"]}
                    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                        if probe in container:
                            self.assertIn(container[probe]["httpGet"]["port"], ports)
                self.assertEqual(mounted, volumes)
        service = manifests.find(self.objects, "Service", "leadline-collector")
        labels = pod_template(self.collector)["metadata"]["labels"]
        self.assertLessEqual(service["spec"]["selector"].items(), labels.items())
        self.assertEqual(self.collector["spec"]["serviceName"], service["metadata"]["name"])

    def test_the_api_is_only_read(self):
        for obj in self.objects:
            for rule in obj.get("rules", []):
                self.assertLessEqual(set(rule["verbs"]), READING)
                for names in (rule["apiGroups"], rule["resources"]):
                    self.assertNotIn("*", names)
                self.assertNotIn("secrets", rule["resources"])

    def test_the_agent_has_what_it_needs_and_no_more(self):
        spec = pod_template(self.agent)["spec"]
        self.assertTrue(spec["hostPID"])
        self.assertFalse(spec.get("hostNetwork", False))
        self.assertIn({"operator": "Exists"}, spec["tolerations"])
        (container,) = spec["containers"]
        security = container["securityContext"]
        self.assertFalse(security.get("privileged", False))
        self.assertFalse(security["allowPrivilegeEscalation"])
        self.assertTrue(security["readOnlyRootFilesystem"])
        self.assertEqual(security["capabilities"]["drop"], ["ALL"])
        self.assertEqual(set(security["capabilities"]["add"]), AGENT_CAPABILITIES)
        writable = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
        self.assertEqual(writable, {"state"})
        namespace = manifests.find(self.objects, "Namespace", "leadline")
        labels = namespace["metadata"]["labels"]
        self.assertEqual(labels["pod-security.kubernetes.io/enforce"], "privileged")

    def test_the_collector_keeps_to_the_restricted_profile(self):
        spec = pod_template(self.collector)["spec"]
        for field in ("hostPID", "hostIPC", "hostNetwork"):
            self.assertNotIn(field, spec)
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for container in spec["containers"]:
            security = container["securityContext"]
            self.assertFalse(security["allowPrivilegeEscalation"])
            self.assertTrue(security["readOnlyRootFilesystem"])
            self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
        for volume in spec["volumes"]:
            self.assertNotIn("hostPath", volume)

    def test_both_are_of_one_cluster(self):
        names = [
            [arg for arg in spec["containers"][0]["args"] if arg.startswith("--cluster=")]
            for _, spec in self.pods()
        ]
        self.assertEqual(names[0], names[1])

    def test_the_collector_reads_who_has_which_address(self):
        roles = {
            program: {
                (group, resource): set(rule["verbs"])
                for rule in manifests.find(self.objects, "ClusterRole", program)["rules"]
                for group in rule["apiGroups"]
                for resource in rule["resources"]
            }
            for program in ("leadline-agent", "leadline-collector")
        }
        added = {("", "services"), ("discovery.k8s.io", "endpointslices")}
        collector = roles["leadline-collector"]
        self.assertEqual(collector.keys() - roles["leadline-agent"].keys(), added)
        self.assertEqual(roles["leadline-agent"].keys() - collector.keys(), set())
        for kind in (*added, ("", "pods")):
            self.assertLessEqual(READING, collector[kind])

    def test_the_programs_know_their_options(self):
        for obj, spec in self.pods():
            for container in spec["containers"]:
                program = container["image"].partition(":")[0]
                usage = subprocess.run(
                    [paths.program(program), "--help"], check=True, capture_output=True, text=True
                ).stdout
                for arg in container["args"]:
                    with self.subTest(f"{obj['kind']} {program} {arg}"):
                        self.assertRegex(usage, rf"(?m)^\s*{re.escape(arg.partition('=')[0])}\s")

    def test_each_container_has_requests_and_a_memory_limit(self):
        for _, spec in self.pods():
            for container in spec["containers"]:
                self.assertLessEqual({"cpu", "memory"}, container["resources"]["requests"].keys())
                self.assertIn("memory", container["resources"]["limits"])


if __name__ == "__main__":
    unittest.main()
