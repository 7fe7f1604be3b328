#include "tests/unit/kube/server/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "absl/time/time.h"
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace leadline::kube {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

void Require(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "scripted server: {}\n", what);
  std::abort();
}

// -1 or 0 at the end of the stream.
ssize_t Receive(int socket, SSL* tls, char* data, size_t size) {
  if (tls != nullptr) return SSL_read(tls, data, static_cast<int>(size));
  return recv(socket, data, size, 0);
}

std::optional<std::string> ReadHead(int socket, SSL* tls) {
  std::string head;
  char byte;
  while (!head.ends_with("\r\n\r\n")) {
    if (Receive(socket, tls, &byte, 1) != 1) return std::nullopt;
    head += byte;
  }
  return head;
}

std::string Pem(const std::function<void(BIO*)>& write) {
  BIO* pem = BIO_new(BIO_s_mem());
  write(pem);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(pem, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(pem);
  return text;
}

void DescribePeer(SSL* tls, SeenRequest& request) {
  const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) request.server_name = name;
  X509* certificate = SSL_get1_peer_certificate(tls);
  request.has_client_certificate = certificate != nullptr;
  X509_free(certificate);
}

SeenRequest ParseHead(std::string_view head) {
  SeenRequest request;
  const size_t begin = head.find(' ') + 1;
  request.target = head.substr(begin, head.find(' ', begin) - begin);
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  for (size_t at = question; at != std::string::npos;) {
    const size_t end = request.target.find('&', at + 1);
    const std::string pair = request.target.substr(at + 1, end - at - 1);
    const size_t equals = pair.find('=');
    request.query[pair.substr(0, equals)] = pair.substr(equals + 1);
    at = end;
  }
  for (size_t line = head.find("\r\n") + 2; line < head.size() - 2;) {
    const size_t end = head.find("\r\n", line);
    const size_t colon = head.find(": ", line);
    std::string name(head.substr(line, colon - line));
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    request.headers[name] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  return request;
}

}  // namespace

void Exchange::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = tls_ != nullptr
                             ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                             : send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      keep_alive_ = false;
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Exchange::Reply(int status, std::string_view body, std::string_view extra_headers) {
  Send(
      fmt::format("HTTP/1.1 {} Scripted\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n{}\r\n{}",
                  status, body.size(), extra_headers, body));
}

void Exchange::BeginStream() {
  Send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void Exchange::Chunk(std::string_view data) {
  Send(fmt::format("{:x}\r\n{}\r\n", data.size(), data));
}

void Exchange::EndStream() { Send("0\r\n\r\n"); }

void Exchange::Reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  keep_alive_ = false;
}

void Exchange::Hold() {
  char byte;
  while (Receive(socket_, tls_, &byte, 1) > 0) {
  }
  keep_alive_ = false;
}

ScriptedServer::ScriptedServer(std::vector<Handler> script)
    : script_(script.begin(), script.end()) {
  std::signal(SIGPIPE, SIG_IGN);
  Listen();
  acceptor_ = std::thread([this] { Accept(); });
}

std::unique_ptr<ScriptedServer> ScriptedServer::WithTls(std::vector<Handler> script) {
  auto server = std::make_unique<ScriptedServer>(std::move(script));
  server->MakeCertificate();
  return server;
}

ScriptedServer::~ScriptedServer() {
  std::vector<std::thread> connections;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    MutexLock lock(mutex_);
    connections.swap(connections_);
  }
  for (std::thread& connection : connections) connection.join();
  close(listener_);
  SSL_CTX_free(tls_context_);
}

void ScriptedServer::Listen() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener_, generic, size) == 0 && listen(listener_, 16) == 0 &&
              getsockname(listener_, generic, &size) == 0,
          "cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
}

// Called before the first client knows the port.
void ScriptedServer::MakeCertificate() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("scripted"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  for (const auto& [id, value] :
       {std::pair<int, const char*>{NID_subject_alt_name, "IP:127.0.0.1,DNS:scripted.test"},
        {NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  Require(X509_sign(certificate, key, EVP_sha256()) > 0, "cannot sign a certificate");

  ca_pem_ = Pem([&](BIO* out) { PEM_write_bio_X509(out, certificate); });
  key_pem_ = Pem(
      [&](BIO* out) { PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });

  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  Require(SSL_CTX_use_certificate(context, certificate) == 1 &&
              SSL_CTX_use_PrivateKey(context, key) == 1,
          "cannot use the certificate");
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  MutexLock lock(mutex_);
  tls_context_ = context;
}

std::string ScriptedServer::url() const {
  return fmt::format("{}://127.0.0.1:{}", ca_pem_.empty() ? "http" : "https", port_);
}

void ScriptedServer::Append(Handler handler) {
  MutexLock lock(mutex_);
  script_.push_back(std::move(handler));
}

void ScriptedServer::Route(const std::string& path, Handler handler) {
  MutexLock lock(mutex_);
  routes_[path] = std::move(handler);
}

std::vector<SeenRequest> ScriptedServer::WaitForRequests(size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  MutexLock lock(mutex_);
  while (requests_.size() < count && std::chrono::steady_clock::now() < deadline) {
    changed_.WaitFor(mutex_, absl::FromChrono(kPatience));
  }
  return requests_;
}

void ScriptedServer::Accept() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    MutexLock lock(mutex_);
    if (socket < 0 || stopped_) {
      if (socket >= 0) close(socket);
      return;
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockets_.insert(socket);
    connections_.emplace_back([this, socket] { Serve(socket); });
  }
}

void ScriptedServer::Serve(int socket) {
  SSL_CTX* context = nullptr;
  {
    MutexLock lock(mutex_);
    context = tls_context_;
  }
  if (context == nullptr) {
    Answer(socket, nullptr);
  } else {
    SSL* tls = SSL_new(context);
    SSL_set_fd(tls, socket);
    if (SSL_accept(tls) == 1) Answer(socket, tls);
    SSL_free(tls);
    ERR_clear_error();
  }
  MutexLock lock(mutex_);
  sockets_.erase(socket);
  close(socket);
}

void ScriptedServer::Answer(int socket, SSL* tls) {
  while (const std::optional<std::string> head = ReadHead(socket, tls)) {
    SeenRequest request = ParseHead(*head);
    if (tls != nullptr) DescribePeer(tls, request);
    Exchange exchange(socket, tls, std::move(request));
    const Handler handler = NextHandler(exchange.request());
    if (handler) {
      handler(exchange);
    } else {
      exchange.Hold();
    }
    if (!exchange.keep_alive_) return;
  }
}

Handler ScriptedServer::NextHandler(const SeenRequest& request) {
  MutexLock lock(mutex_);
  requests_.push_back(request);
  changed_.NotifyAll();
  if (const auto route = routes_.find(request.path); route != routes_.end()) return route->second;
  if (script_.empty()) return nullptr;
  Handler handler = std::move(script_.front());
  script_.pop_front();
  return handler;
}

}  // namespace leadline::kube
