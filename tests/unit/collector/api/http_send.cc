#include "tests/unit/collector/api/http_send.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::api {

using ::testing::StartsWith;

std::string Reply::Header(const std::string& name) const {
  const std::string start = "\r\n" + name + ": ";
  const size_t at = head.find(start);
  if (at == std::string::npos) return "";
  return head.substr(at + start.size(), head.find("\r\n", at + 2) - at - start.size());
}

Reply Send(uint16_t port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  Reply reply;
  const size_t end = answer.find("\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
  if (end == std::string::npos) return reply;
  reply.status = std::stoi(answer.substr(9, 3));
  reply.head = answer.substr(0, end);
  reply.body = answer.substr(end + 4);
  return reply;
}

}  // namespace leadline::collector::api
