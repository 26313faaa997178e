#include "admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "fd.h"
#include "log.h"

namespace upnpd::admin {
namespace {

constexpr timeval kPatience{10, 0};

std::expected<base::Fd, std::string> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return std::unexpected(path + " is too long a path for a socket");
  std::strcpy(address.sun_path, path.c_str());
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return fd;
  if (errno == ENOENT || errno == ECONNREFUSED)
    return std::unexpected("upnpd is not running (nobody serves " + path +
                           "); is another --socket meant?");
  if (errno == EACCES)
    return std::unexpected("no permission for " + path + ": be root, or in the group upnpd");
  return std::unexpected(base::with_errno(path, errno));
}

}  // namespace

std::expected<base::Json, std::string> ask(const std::string& socket_path,
                                           const base::Json& request) {
  const auto fd = connect_to(socket_path);
  if (!fd) return std::unexpected(fd.error());
  const std::string line = request.text() + "\n";
  if (::send(fd->get(), line.data(), line.size(), MSG_NOSIGNAL) != ssize_t(line.size()))
    return std::unexpected(base::with_errno("upnpd does not listen", errno));
  std::string text;
  std::array<char, 65536> buffer{};
  ssize_t length = 0;
  while ((length = ::read(fd->get(), buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), std::size_t(length));
  if (length < 0) return std::unexpected(base::with_errno("upnpd does not answer", errno));
  auto answer = base::Json::parse(text);
  if (!answer)
    return std::unexpected(
        "upnpd's answer was cut short; it may be busy with other administrators");
  if (auto error = answer->text_at("error")) return std::unexpected(*std::move(error));
  return *std::move(answer);
}

}  // namespace upnpd::admin
