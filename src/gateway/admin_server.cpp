#include "admin_server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kMaxClients = 8;
constexpr std::size_t kMaxRequest = 4096;
constexpr auto kPatience = 5s;

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(base::with_errno(what, errno));
}

bool is_served(const sockaddr_un& address) {
  const base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

base::Json error_reply(const std::string& message) {
  base::Json reply = base::Json::object();
  reply.add("error", message);
  return reply;
}

// One connection: reads a line, writes a line, ends.
class AdminServer::Client {
 public:
  Client(AdminServer& server, base::Fd fd)
      : server_(server),
        fd_(std::move(fd)),
        watcher_(server.loop_, fd_.get(), base::Interest::Read, [this] { on_ready(); }),
        timer_(server.loop_, [this] { server_.drop(*this); }) {
    timer_.start(kPatience);
  }

 private:
  void on_ready() {
    if (reply_.empty())
      read();
    else
      write();
  }

  void read() {
    std::array<char, kMaxRequest> buffer{};
    const ssize_t length = ::read(fd_.get(), buffer.data(), buffer.size());
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) return server_.drop(*this);
    request_.append(buffer.data(), static_cast<std::size_t>(length));
    const auto end = request_.find('\n');
    if (end == std::string::npos && request_.size() <= kMaxRequest) return;
    if (end == std::string::npos || end > kMaxRequest)
      return answer(
          error_reply("the request is longer than " + std::to_string(kMaxRequest) + " bytes"));
    const auto request = base::Json::parse(std::string_view(request_).substr(0, end));
    answer(request ? server_.handler_(*request) : error_reply("the request is not a line of JSON"));
  }

  void answer(const base::Json& reply) {
    reply_ = reply.text() + "\n";
    watcher_.set_interest(base::Interest::Write);
  }

  void write() {
    const ssize_t length =
        ::send(fd_.get(), reply_.data() + sent_, reply_.size() - sent_, MSG_NOSIGNAL);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length > 0) sent_ += static_cast<std::size_t>(length);
    if (length < 0 || sent_ == reply_.size()) server_.drop(*this);
  }

  AdminServer& server_;
  base::Fd fd_;
  std::string request_, reply_;
  std::size_t sent_ = 0;
  base::FdWatcher watcher_;
  base::Timer timer_;
};

std::expected<base::Fd, std::string> AdminServer::listen(const std::filesystem::path& path,
                                                         const std::string& group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path)
    return std::unexpected("admin_socket " + path.string() +
                           " is too long a path for a unix socket");
  std::strcpy(address.sun_path, path.c_str());
  if (is_served(address))
    return std::unexpected("another upnpd already serves admin_socket " + path.string());

  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode))
    return std::unexpected("admin_socket " + path.string() + " is there and is no socket");
  ::unlink(path.c_str());
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0117);
  const bool bound =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!bound) return failed("cannot make admin_socket " + path.string());
  const ::group* const entry = group.empty() ? nullptr : ::getgrnam(group.c_str());
  if (entry != nullptr && ::chown(path.c_str(), uid_t(-1), entry->gr_gid) != 0)
    return failed("cannot give admin_socket to the group " + group);
  if (::listen(fd.get(), kMaxClients) != 0) return failed("cannot listen on admin_socket");
  return fd;
}

AdminServer::AdminServer(base::Loop& loop, base::Fd listener, Handler handler)
    : loop_(loop),
      listener_(std::move(listener)),
      handler_(std::move(handler)),
      watcher_(loop, listener_.get(), base::Interest::Read, [this] { accept(); }) {}
AdminServer::~AdminServer() = default;

void AdminServer::accept() {
  base::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // One too many is closed at once: it sees an end, not a wait.
  if (!fd || clients_.size() >= kMaxClients) return;
  clients_.push_back(std::make_unique<Client>(*this, std::move(fd)));
}

void AdminServer::drop(Client& client) {
  std::erase_if(clients_, [&](const auto& c) { return c.get() == &client; });
}

}  // namespace upnpd::gateway
