#include "agent/options/options.h"

#include <unistd.h>

#include <cstdlib>

#include "agent/options/collector_flags.h"
#include "common/flags/flags.h"
#include "common/flags/server_flags.h"
#include "kube/flags/kube_flags.h"

namespace leadline::agent {
namespace {

constexpr absl::Duration kShortestInterval = absl::Milliseconds(100);
constexpr uint64_t kLeastRing = 64 << 10;
constexpr uint64_t kMostRing = 1 << 30;
constexpr double kMostCpus = 4096;
constexpr uint32_t kMostProcesses = 1 << 22;  // PID_MAX_LIMIT of Linux

std::string DefaultNode() {
  if (const char* name = std::getenv("NODE_NAME"); name != nullptr && *name != '\0') return name;
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return host;
}

}  // namespace

std::unique_ptr<flags::Program> MakeProgram(Options& options) {
  auto program = std::make_unique<flags::Program>(
      "leadline-agent",
      "Watches the containers of this node with eBPF and sends what it counts to a collector.");
  CLI::App& app = program->app();
  options.node = DefaultNode();
  app.add_option("--collector", options.collector, "Address of the collector's gRPC port")
      ->check(flags::IsTarget())
      ->each([&options](const std::string&) { options.collector_given = true; })
      ->type_name("HOST:PORT")
      ->capture_default_str();
  AddCollectorFlags(*program, options);
  app.add_option("--cluster", options.cluster, "Name of the cluster, a label of everything")
      ->check(flags::IsNotEmpty())
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--node", options.node,
                 "Name of the node (default: $NODE_NAME, or the host's name)")
      ->check(flags::IsNotEmpty())
      ->type_name("NAME");
  kube::flags::AddKubeFlags(app, options.kubernetes);
  flags::AddDuration(app, "--interval", options.interval, "10s", "Time between two readings",
                     kShortestInterval);
  app.add_option("--state", options.state_dir, "Directory for the agent's identity and its spool")
      ->check(flags::IsNotEmpty())
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--spool-size", options.max_spool_bytes,
                 "Room on disk for what the collector has not acknowledged; 0 for none")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("256MiB");
  app.add_option("--http", options.http, "Address for /livez, /readyz and /metrics; \"\" for none")
      ->check(
          [](const std::string& text) { return text.empty() ? text : flags::IsHostPort()(text); })
      ->type_name("HOST:PORT")
      ->capture_default_str();
  flags::AddServerFlags(*program, {{"http", &options.http, &options.http_access, "those who ask"}},
                        options.certificate, options.insecure);
  app.add_option_function<std::vector<std::string>>(
         "--runtime-state",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             options.runtime_state.push_back(*runtimes::ParseStateDirectory(text));  // is checked
           }
         },
         "Where a container runtime keeps its state, besides the usual places; KIND is containerd, "
         "docker or containers-storage (CRI-O, podman)")
      ->check([](const std::string& text) {
        return runtimes::ParseStateDirectory(text)
                   ? std::string()
                   : text + " is no KIND=DIR of a container runtime";
      })
      ->type_name("KIND=DIR");
  app.add_option("--max-processes", options.max_processes, "Processes that get series of their own")
      ->check(CLI::Range(0U, kMostProcesses).description(""))
      ->type_name("NUMBER")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--syscall-timing",
         [&options](const std::string& mode) { options.time_every_syscall = mode == "every"; },
         "adaptive (a CPU busy with system calls times a part of them) or every")
      ->check(CLI::IsMember({"adaptive", "every"}).description(""))
      ->type_name("MODE")
      ->default_str("adaptive");
  app.add_option_function<std::string>(
         "--requests",
         [&options](const std::string& mode) { options.capture_requests = mode == "on"; },
         "on: requests are told from the beginnings of what goes over TCP connections; or off")
      ->check(CLI::IsMember({"on", "off"}).description(""))
      ->type_name("MODE")
      ->default_str("on");
  app.add_option("--request-ring-size", options.request_ring_bytes,
                 "Room for what was captured and is not yet read: each CPU has a power of two of "
                 "it, at most 2MiB")
      ->transform(flags::ToBytes())
      ->check(CLI::Range(kLeastRing, kMostRing).description(""))
      ->type_name("SIZE")
      ->default_str("4MiB");
  app.add_option("--max-cpu", options.max_cpus,
                 "CPUs that the agent may take, with its programs in the kernel, before it gives "
                 "things up, requests of a part of the connections first; 0 for no limit")
      ->check(CLI::Range(0.0, kMostCpus).description(""))
      ->type_name("CPUS")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--cgroups",
         [&options](const std::string& version) {
           options.cgroups = version == "v1"   ? CgroupChoice::kV1
                             : version == "v2" ? CgroupChoice::kV2
                                               : CgroupChoice::kAuto;
         },
         "By whose cgroups to count: v2, v1, or auto (v2 wherever containers are in it)")
      ->check(CLI::IsMember({"auto", "v1", "v2"}).description(""))
      ->type_name("VERSION")
      ->default_str("auto");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(flags::IsLogLevel())
      ->type_name("LEVEL")
      ->capture_default_str();
  app.add_flag("--dry-run", options.dry_run,
               "Load every BPF program, print what can be attached and what is missing, and exit");
  CLI::Option* replay =
      app.add_option(
             "--replay", options.replay,
             "Run from a recording, as fast as it goes, with no BPF and no root; to nothing "
             "unless --collector is given")
          ->check(flags::IsNotEmpty())
          ->type_name("FILE");
  app.add_option(
         "--record", options.record,
         "Keep in a file everything that the kernel, the node's files and the Kubernetes API "
         "say, for --replay")
      ->check(flags::IsNotEmpty())
      ->type_name("FILE")
      ->excludes(replay);
  return program;
}

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  return flags::ParseOptions(MakeProgram, argc, argv);
}

}  // namespace leadline::agent
