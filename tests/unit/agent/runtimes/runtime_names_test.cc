#include "agent/runtimes/runtime_names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>

#include "agent/runtimes/json_file.h"

namespace leadline::agent::runtimes {
namespace {

const std::string kId(64, 'a');
const std::string kUid = "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64";

// A bundle of containerd 1.6 with CRI, as its own pkg/cri/annotations has the keys.
const std::string kCriContainer = R"({"ociVersion": "1.0.2-dev", "process": {"args": ["/app"]},
  "annotations": {"io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.image-name": "docker.io/shop/web:1", "io.kubernetes.cri.sandbox-id": "5002",
    "io.kubernetes.cri.sandbox-name": "web-1", "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64"}})";
const std::string kCriSandbox = R"({"annotations": {"io.kubernetes.cri.container-type": "sandbox",
    "io.kubernetes.cri.sandbox-id": "5002", "io.kubernetes.cri.sandbox-log-directory": "/var/log/pods/x",
    "io.kubernetes.cri.sandbox-name": "web-1", "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64"}})";
const std::string kNerdctl =
    R"({"annotations": {"nerdctl/name": "web", "nerdctl/namespace": "default"}})";
const std::string kCtr = R"({"ociVersion": "1.0.2-dev", "root": {"path": "rootfs"}})";

// CRI-O's, as SpecAddAnnotations of its internal/factory/container writes them.
const std::string kCrioContainer = R"({"annotations": {"io.container.manager": "cri-o",
    "io.kubernetes.container.hash": "5d5c9c1b", "io.kubernetes.container.name": "web",
    "io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.Image": "4f1c",
    "io.kubernetes.cri-o.ImageName": "docker.io/shop/web:1",
    "io.kubernetes.cri-o.Labels": "{\"io.kubernetes.container.name\":\"web\"}",
    "io.kubernetes.cri-o.Name": "k8s_web_web-1_shop_8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64_0",
    "io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64"}})";
const std::string kCrioSandbox = R"({"annotations": {"io.container.manager": "cri-o",
    "io.kubernetes.container.name": "POD", "io.kubernetes.cri-o.ContainerType": "sandbox",
    "io.kubernetes.cri-o.ImageName": "registry.k8s.io/pause:3.9",
    "io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64"}})";

// Docker's, as the Container of moby's container/container.go is written.
const std::string kDocker =
    R"({"StreamConfig": {}, "State": {"Running": true, "Pid": 4711}, "ID": "aaaa",
    "Created": "2026-11-28T17:36:09Z", "Path": "nginx", "Args": ["-g"],
    "Config": {"Hostname": "aaaa", "Image": "nginx:1.25", "Labels": {"maintainer": "somebody"}},
    "Image": "sha256:4f1c", "Name": "/shop_web_1", "Driver": "overlay2", "RestartCount": 0})";
// With the labels of cri-dockerd.
const std::string kDockerPod = R"({"Config": {"Image": "shop/web:1", "Labels": {
    "io.kubernetes.container.name": "web", "io.kubernetes.docker.type": "container",
    "io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64"}}, "Name": "/k8s_web_web-1_shop_0"})";
const std::string kDockerByDigest = R"({"Config": {"Image": "sha256:4f1c", "Labels": {
    "io.kubernetes.container.name": "web", "io.kubernetes.docker.type": "container",
    "io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop"}}, "Name": "/k8s_web"})";
const std::string kDockerSandbox = R"({"Config": {"Image": "registry.k8s.io/pause:3.9", "Labels": {
    "io.kubernetes.docker.type": "podsandbox", "io.kubernetes.pod.name": "web-1",
    "io.kubernetes.pod.namespace": "shop"}}, "Name": "/k8s_POD_web-1_shop_0"})";

// podman 4.3's, as it writes them itself.
const std::string kPodmanSpec = R"({"annotations": {"io.container.manager": "libpod",
    "io.kubernetes.cri-o.Created": "2026-11-28T17:36:09Z", "io.kubernetes.cri-o.TTY": "false"}})";
std::string PodmanIndex(const std::string& id) {
  return R"([{"id": ")" + std::string(64, 'f') +
         R"(", "names": ["other"], "metadata": "{}"}, {"id": ")" + id +
         R"(", "names": ["web"], "image": "304c", "layer": "b01e",
    "metadata": "{\"image-name\":\"localhost/web:1\",\"image-id\":\"304c\",\"name\":\"web\",\"created-at\":1795887386}",
    "created": "2026-11-28T17:36:26.5Z", "flags": {"MountLabel": "", "Volatile": true}}])";
}

const std::string kTasks = "/run/containerd/io.containerd.runtime.v2.task/";
const std::string kStorage = "/var/lib/containers/storage/overlay-containers/";
const ContainerNames kWeb{"web", "docker.io/shop/web:1", "web-1", "shop", kUid};
const ContainerNames kSandbox{"", "", "web-1", "shop", kUid};

class RuntimeNamesTest : public testing::Test {
 protected:
  RuntimeNamesTest() {
    char name[] = "/tmp/runtime-names-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~RuntimeNamesTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    // As runtimes do, so that a file that is read again is another one.
    std::ofstream(root_ + path + ".new") << text;
    std::filesystem::rename(root_ + path + ".new", root_ + path);
  }
  RuntimeNames& Runtimes() {
    if (!runtimes_) runtimes_.emplace(RuntimeNames::Options{.root = root_}, registry_);
    return *runtimes_;
  }
  double Counter(const std::string& family, const std::vector<std::string>& values) {
    double total = 0;
    for (const auto& one : registry_.Collect()) {
      if (one.name != family) continue;
      for (const auto& metric : one.metric) {
        std::vector<std::string> labels;
        for (const auto& label : metric.label) labels.push_back(label.value);
        if (labels == values) total += metric.counter.value;
      }
    }
    return total;
  }
  double Bad(const std::string& reason, const std::string& runtime) {
    return Counter("leadline_agent_runtime_files_bad_total", {reason, runtime});
  }

  std::string root_;
  prometheus::Registry registry_;
  std::optional<RuntimeNames> runtimes_;
};

struct FileCase {
  const char* name;
  std::string path;
  std::string text;
  std::string id;
  ContainerNames want;
  const char* runtime;
};

class RuntimeFile : public RuntimeNamesTest, public testing::WithParamInterface<FileCase> {};

TEST_P(RuntimeFile, HasTheNames) {
  const FileCase& p = GetParam();
  Write(p.path, p.text);
  EXPECT_EQ(Runtimes().Find(p.id), p.want);
  EXPECT_EQ(Counter("leadline_agent_runtime_names_total", {p.runtime}), 1);
  EXPECT_EQ(Runtimes().Find(std::string(64, '0')), std::nullopt);
  EXPECT_EQ(Counter("leadline_agent_runtime_names_total", {"none"}), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Each, RuntimeFile,
    testing::Values(
        FileCase{"CriContainer", kTasks + "k8s.io/" + kId + "/config.json", kCriContainer, kId,
                 kWeb, "containerd"},
        FileCase{"CriSandbox", kTasks + "k8s.io/" + kId + "/config.json", kCriSandbox, kId,
                 kSandbox, "containerd"},
        FileCase{"K3s",
                 "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
                 kCriContainer, kId, kWeb, "containerd"},
        FileCase{"Nerdctl",
                 kTasks + "default/" + kId + "/config.json",
                 kNerdctl,
                 kId,
                 {.container = "web"},
                 "containerd"},
        FileCase{"IdThatAPersonChose",
                 kTasks + "default/my-web/config.json",
                 kCtr,
                 "my-web",
                 {.container = "my-web"},
                 "containerd"},
        FileCase{"Docker",
                 "/var/lib/docker/containers/" + kId + "/config.v2.json",
                 kDocker,
                 kId,
                 {.container = "shop_web_1", .image = "nginx:1.25"},
                 "docker"},
        FileCase{"DockerOfAPod",
                 "/var/lib/docker/containers/" + kId + "/config.v2.json",
                 kDockerPod,
                 kId,
                 {"web", "shop/web:1", "web-1", "shop", kUid},
                 "docker"},
        FileCase{"DockerByDigest",
                 "/var/lib/docker/containers/" + kId + "/config.v2.json",
                 kDockerByDigest,
                 kId,
                 {"web", "", "web-1", "shop", ""},
                 "docker"},
        FileCase{"DockerSandbox",
                 "/var/lib/docker/containers/" + kId + "/config.v2.json",
                 kDockerSandbox,
                 kId,
                 {"", "", "web-1", "shop", ""},
                 "docker"},
        FileCase{"Crio", kStorage + kId + "/userdata/config.json", kCrioContainer, kId, kWeb,
                 "containers-storage"},
        FileCase{"CrioSandbox", kStorage + kId + "/userdata/config.json", kCrioSandbox, kId,
                 kSandbox, "containers-storage"},
        FileCase{"CrioRunRoot",
                 "/run/containers/storage/overlay-containers/" + kId + "/userdata/config.json",
                 kCrioContainer, kId, kWeb, "containers-storage"},
        FileCase{"Podman",
                 kStorage + "containers.json",
                 PodmanIndex(kId),
                 kId,
                 {.container = "web", .image = "localhost/web:1"},
                 "containers-storage"},
        FileCase{"PodmanTransient",
                 kStorage + "volatile-containers.json",
                 PodmanIndex(kId),
                 kId,
                 {.container = "web", .image = "localhost/web:1"},
                 "containers-storage"},
        FileCase{"PodmanOnVfs",
                 "/var/lib/containers/storage/vfs-containers/containers.json",
                 PodmanIndex(kId),
                 kId,
                 {.container = "web", .image = "localhost/web:1"},
                 "containers-storage"}),
    [](const auto& one) { return one.param.name; });

TEST_F(RuntimeNamesTest, DockersBundleIsNotItsName) {
  Write(kTasks + "moby/" + kId + "/config.json", kCtr);
  Write("/var/lib/docker/containers/" + kId + "/config.v2.json", kDocker);
  EXPECT_EQ(Runtimes().Find(kId)->container, "shop_web_1");
}

TEST_F(RuntimeNamesTest, PodmansIndexIsReadAgainWhenItChanges) {
  Write(kStorage + kId + "/userdata/config.json", kPodmanSpec);
  Write(kStorage + "containers.json", PodmanIndex(std::string(64, 'b')));
  EXPECT_EQ(Runtimes().Find(kId), std::nullopt);
  Write(kStorage + "containers.json", PodmanIndex(kId));
  EXPECT_EQ(Runtimes().Find(kId)->container, "web");
  std::filesystem::remove(root_ + kStorage + "containers.json");
  EXPECT_EQ(Runtimes().Find(kId), std::nullopt);
}

TEST_F(RuntimeNamesTest, FurtherDirectoriesGoFirst) {
  Write("/other/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json", kCriContainer);
  Write(kTasks + "k8s.io/" + kId + "/config.json", kNerdctl);
  runtimes_.emplace(
      RuntimeNames::Options{.root = root_, .extra = {{"containerd", root_ + "/other"}}}, registry_);
  EXPECT_EQ(Runtimes().Find(kId), kWeb);
}

struct BadCase {
  const char* name;
  std::string path;
  std::function<void(const std::string& path)> make;
  const char* reason;
  const char* runtime;
};

void WriteText(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

class BadFile : public RuntimeNamesTest, public testing::WithParamInterface<BadCase> {};

TEST_P(BadFile, IsCountedAndNamed) {
  const BadCase& p = GetParam();
  std::filesystem::create_directories(std::filesystem::path(root_ + p.path).parent_path());
  p.make(root_ + p.path);
  testing::internal::CaptureStdout();
  EXPECT_EQ(Runtimes().Find(kId), std::nullopt);
  EXPECT_NE(testing::internal::GetCapturedStdout().find(root_ + p.path), std::string::npos);
  EXPECT_EQ(Bad(p.reason, p.runtime), 1);
  // The others are asked all the same.
  Write("/run/containers/storage/overlay-containers/" + kId + "/userdata/config.json",
        kCrioContainer);
  EXPECT_EQ(Runtimes().Find(kId), kWeb);
}

const std::string kDockerFile = "/var/lib/docker/containers/" + kId + "/config.v2.json";
const std::string kBundle = kTasks + "k8s.io/" + kId + "/config.json";

INSTANTIATE_TEST_SUITE_P(
    Each, BadFile,
    testing::Values(
        BadCase{"Cut", kBundle,
                [](const std::string& path) { WriteText(path, kCriContainer.substr(0, 90)); },
                "malformed", "containerd"},
        BadCase{"Empty", kDockerFile, [](const std::string& path) { WriteText(path, ""); },
                "malformed", "docker"},
        BadCase{"Array", kBundle, [](const std::string& path) { WriteText(path, "[]"); },
                "malformed", "containerd"},
        BadCase{"Nameless", kDockerFile,
                [](const std::string& path) { WriteText(path, R"({"Name": 3})"); }, "malformed",
                "docker"},
        BadCase{"NameTooLong", kDockerFile,
                [](const std::string& path) {
                  WriteText(path, R"({"Name": "/)" + std::string(kMaxNameBytes, 'n') + "\"}");
                },
                "malformed", "docker"},
        BadCase{"TooDeep", kBundle,
                [](const std::string& path) {
                  WriteText(path, "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}");
                },
                "malformed", "containerd"},
        BadCase{"TooLarge", kBundle,
                [](const std::string& path) {
                  WriteText(path, std::string(5 << 20, ' ') + kCriContainer);
                },
                "too_large", "containerd"},
        BadCase{"Pipe", kBundle, [](const std::string& path) { mkfifo(path.c_str(), 0600); },
                "malformed", "containerd"},
        BadCase{"Directory", kDockerFile,
                [](const std::string& path) { mkdir(path.c_str(), 0700); }, "malformed", "docker"},
        BadCase{"Link", kBundle,
                [](const std::string& path) { EXPECT_EQ(symlink("/etc/passwd", path.c_str()), 0); },
                "malformed", "containerd"}),
    [](const auto& one) { return one.param.name; });

TEST_F(RuntimeNamesTest, ADamagedIndexIsNamedOnceUntilItChanges) {
  Write(kStorage + "containers.json", "[{");
  EXPECT_EQ(Runtimes().Find(kId), std::nullopt);
  EXPECT_EQ(Runtimes().Find(kId), std::nullopt);
  EXPECT_EQ(Bad("malformed", "containers-storage"), 1);
  Write(kStorage + "containers.json", PodmanIndex(kId));
  EXPECT_EQ(Runtimes().Find(kId)->container, "web");
}

TEST(ParseStateDirectory, TakesKnownKindsAndAbsolutePaths) {
  EXPECT_EQ(ParseStateDirectory("docker=/data/docker"), (StateDirectory{"docker", "/data/docker"}));
  for (const char* text : {"", "docker", "docker=", "docker=data", "rkt=/var/lib/rkt", "=/x"}) {
    EXPECT_EQ(ParseStateDirectory(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace leadline::agent::runtimes
