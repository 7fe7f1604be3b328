#include "kube/flags/kube_flags.h"

#include <CLI/CLI.hpp>

#include "common/flags/flags.h"

namespace leadline::kube::flags {

void AddKubeFlags(CLI::App& app, config::Choice& choice) {
  CLI::Option* url =
      app.add_option("-k,--kubernetes", choice.url, "URL of the Kubernetes API server")
          ->type_name("URL");
  app.add_option("--kubernetes-token-file", choice.token_file,
                 "File with the bearer token for that URL; read again when it changes")
      ->needs(url)
      ->type_name("FILE");
  CLI::Option* ca =
      app.add_option("--kubernetes-ca-file", choice.ca_file,
                     "File with the certificates that the server's at that URL is checked against")
          ->needs(url)
          ->type_name("FILE");
  app.add_flag("--kubernetes-insecure", choice.insecure,
               "Do not check the certificate of the server at that URL")
      ->needs(url)
      ->excludes(ca);
  app.add_option("--kubeconfig", choice.kubeconfig,
                 "Kubeconfig file (default: $KUBECONFIG; in a pod its service account)")
      ->check(leadline::flags::IsNotEmpty())
      ->excludes(url)
      ->type_name("FILE");
  app.add_option("--context", choice.context,
                 "Context of the kubeconfig (default: its current-context)")
      ->check(leadline::flags::IsNotEmpty())
      ->excludes(url)
      ->type_name("NAME");
}

}  // namespace leadline::kube::flags
