// What a kubelet asks of a container runtime, by hand: a pod on the host's network with one
// container.
//
//   cri_pod SOCKET run NAMESPACE POD UID CGROUP_PARENT CONTAINER IMAGE COMMAND...
//                                          prints the sandbox's and the container's ids
//   cri_pod SOCKET remove SANDBOX          with its containers
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "cri.grpc.pb.h"

namespace {

namespace cri = runtime::v1;

bool Ok(const grpc::Status& status, const char* what) {
  if (!status.ok()) std::fprintf(stderr, "%s: %s\n", what, status.error_message().c_str());
  return status.ok();
}

// The kubelet's labels (k8s.io/kubelet, pkg/types/labels.go), which runtimes hand on.
template <typename Config>
void SetLabels(Config& config, const cri::PodSandboxMetadata& pod) {
  auto& labels = *config.mutable_labels();
  labels["io.kubernetes.pod.name"] = pod.name();
  labels["io.kubernetes.pod.namespace"] = pod.namespace_();
  labels["io.kubernetes.pod.uid"] = pod.uid();
}

bool Run(cri::RuntimeService::Stub& runtime, int argc, char** argv) {
  cri::RunPodSandboxRequest sandbox;
  cri::PodSandboxConfig& pod = *sandbox.mutable_config();
  cri::PodSandboxMetadata& metadata = *pod.mutable_metadata();
  metadata.set_namespace_(argv[0]);
  metadata.set_name(argv[1]);
  metadata.set_uid(argv[2]);
  SetLabels(pod, metadata);
  pod.mutable_linux()->set_cgroup_parent(argv[3]);
  pod.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      cri::NODE);
  cri::RunPodSandboxResponse made;
  grpc::ClientContext sandbox_context;
  if (!Ok(runtime.RunPodSandbox(&sandbox_context, sandbox, &made), "RunPodSandbox")) return false;

  cri::CreateContainerRequest create;
  create.set_pod_sandbox_id(made.pod_sandbox_id());
  *create.mutable_sandbox_config() = pod;
  cri::ContainerConfig& container = *create.mutable_config();
  container.mutable_metadata()->set_name(argv[4]);
  SetLabels(container, metadata);
  (*container.mutable_labels())["io.kubernetes.container.name"] = argv[4];
  container.mutable_image()->set_image(argv[5]);
  for (int i = 6; i < argc; ++i) container.add_command(argv[i]);
  cri::CreateContainerResponse created;
  grpc::ClientContext create_context;
  if (!Ok(runtime.CreateContainer(&create_context, create, &created), "CreateContainer")) {
    return false;
  }
  cri::ContainerId start;
  start.set_container_id(created.container_id());
  cri::Empty nothing;
  grpc::ClientContext start_context;
  if (!Ok(runtime.StartContainer(&start_context, start, &nothing), "StartContainer")) return false;
  std::printf("%s %s\n", made.pod_sandbox_id().c_str(), created.container_id().c_str());
  return true;
}

bool Remove(cri::RuntimeService::Stub& runtime, const char* sandbox) {
  cri::PodSandboxId id;
  id.set_pod_sandbox_id(sandbox);
  cri::Empty nothing;
  grpc::ClientContext stop;
  grpc::ClientContext remove;
  return Ok(runtime.StopPodSandbox(&stop, id, &nothing), "StopPodSandbox") &&
         Ok(runtime.RemovePodSandbox(&remove, id, &nothing), "RemovePodSandbox");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 4) {
    const auto runtime = cri::RuntimeService::NewStub(
        grpc::CreateChannel(std::string("unix://") + argv[1], grpc::InsecureChannelCredentials()));
    const std::string what = argv[2];
    if (what == "run" && argc >= 10) return Run(*runtime, argc - 3, argv + 3) ? 0 : 1;
    if (what == "remove" && argc == 4) return Remove(*runtime, argv[3]) ? 0 : 1;
  }
  std::fprintf(stderr, "usage: see the head of cri_pod.cc\n");
  return 2;
}
