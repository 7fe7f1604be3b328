// An HTTP server that does what a test tells it to, faults included, on a port of its own.
//
// Every request is answered by the next handler of the script, on a thread of its connection; when
// the script is at its end, requests are held until the client goes away. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/mutex.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;

namespace leadline::kube {

struct SeenRequest {
  std::string target;                          // as sent
  std::string path;                            // the target without its query
  std::map<std::string, std::string> query;    // not decoded
  std::map<std::string, std::string> headers;  // names in lower case
  // Over TLS: what the client calls the server, and whether it showed a certificate of our CA.
  std::string server_name;
  bool has_client_certificate = false;
};

class ScriptedServer;

// One request and its answer; lives as long as the handler runs.
class Exchange {
 public:
  const SeenRequest& request() const { return request_; }

  void Reply(int status, std::string_view body, std::string_view extra_headers = "");
  // A 200 whose body comes in chunks.
  void BeginStream();
  void Chunk(std::string_view data);
  void EndStream();
  // Bytes as they are.
  void Send(std::string_view bytes);
  // Closes the connection at once, with a reset.
  void Reset();
  // Until the client or the server closes.
  void Hold();

 private:
  friend class ScriptedServer;
  Exchange(int socket, SSL* tls, SeenRequest request)
      : socket_(socket), tls_(tls), request_(std::move(request)) {}

  const int socket_;
  SSL* const tls_;
  const SeenRequest request_;
  bool keep_alive_ = true;
};

using Handler = std::function<void(Exchange&)>;

class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Handler> script = {});
  ~ScriptedServer();

  // Speaks TLS with a certificate of its own for 127.0.0.1 and scripted.test, which is also its CA
  // and one that clients may show.
  static std::unique_ptr<ScriptedServer> WithTls(std::vector<Handler> script);

  std::string url() const;
  const std::string& ca_pem() const { return ca_pem_; }
  const std::string& key_pem() const { return key_pem_; }

  void Append(Handler handler);
  // Answers every request for that path, besides the script.
  void Route(const std::string& path, Handler handler);

  // The requests so far, once there are at least `count`; fewer after 20 seconds.
  std::vector<SeenRequest> WaitForRequests(size_t count);

 private:
  void MakeCertificate();
  void Listen();
  void Accept();
  void Serve(int socket);
  void Answer(int socket, SSL* tls);
  Handler NextHandler(const SeenRequest& request);

  int listener_ = -1;
  int port_ = 0;
  SSL_CTX* tls_context_ = nullptr;
  std::string ca_pem_;
  std::string key_pem_;

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Handler> script_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Handler> routes_ ABSL_GUARDED_BY(mutex_);
  std::vector<SeenRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::set<int> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> connections_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace leadline::kube
