#include "running_service.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "igd_service.h"
#include "log.h"

namespace upnpd::test {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(const char* address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  REQUIRE(::inet_pton(AF_INET, address, &result.sin_addr) == 1);
  return result;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

base::Fd listen_on(std::uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = loopback("127.0.0.1", port);
  REQUIRE(::bind(fd.get(), generic(address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 128) == 0);
  return fd;
}

std::uint16_t port_of(const base::Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

bool wait_readable(int fd, Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  pollfd poll_fd{fd, POLLIN, 0};
  return ::poll(&poll_fd, 1, std::max(0, static_cast<int>(left.count()))) > 0;
}

// The size of the first whole response in `text`, or 0.
std::size_t response_size(std::string_view text) {
  const std::size_t head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const std::size_t length = text.find("Content-Length: ");
  const std::size_t body =
      length < head ? std::strtoul(std::string(text.substr(length + 16, 12)).c_str(), nullptr, 10)
                    : 0;
  return text.size() >= head + 4 + body ? head + 4 + body : 0;
}

}  // namespace

HttpClient::HttpClient(std::uint16_t port, const char* source)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in from = loopback(source, 0);
  const sockaddr_in to = loopback("127.0.0.1", port);
  REQUIRE(::bind(fd_.get(), generic(from), sizeof from) == 0);
  REQUIRE(::connect(fd_.get(), generic(to), sizeof to) == 0);
}

bool HttpClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::read_more(Clock::time_point until) {
  std::array<char, 4096> buffer{};
  if (!wait_readable(fd_.get(), until)) return false;
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

std::string HttpClient::receive(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (response_size(received_) == 0 && read_more(until)) {
  }
  const std::size_t size =
      response_size(received_) == 0 ? received_.size() : response_size(received_);
  const std::string response = received_.substr(0, size);
  received_.erase(0, size);
  return response;
}

bool HttpClient::is_closed_within(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (read_more(until)) {
  }
  return Clock::now() < until;
}

RunningService::RunningService() {
  auto ends = wire::Channel::make_pair();
  REQUIRE(ends);
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    base::set_up_log(
        {.process = "igd under test", .to_stderr = std::getenv("UPNPD_TEST_LOG") != nullptr});
    const int channel = ::dup(ends->second.fd());
    ends->first = wire::Channel(base::Fd());
    ends->second = wire::Channel(base::Fd());
    ::_exit(igd::run_igd_service(base::Fd(channel)));
  }
  channel_ = std::move(ends->first);
  tell(DeviceIdentity{.uuid = "6e9b0d1e-0000-4000-8000-000000000000",
                      .path_token = "t0ken",
                      .friendly_name = "A router",
                      .manufacturer = "upnpd",
                      .model_name = "M"});
  CHECK(serve(49152) == 49152);
}

RunningService::~RunningService() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::uint16_t RunningService::serve(std::uint16_t event_port) {
  const base::Fd listener = listen_on(port_);
  port_ = port_of(listener);
  static_cast<void>(channel_->send(ServeLan{.lan = 0,
                                            .interface = "lo",
                                            .family = IpFamily::V4,
                                            .addresses = {*Ipv4Network::parse("127.0.0.1/8")},
                                            .http_port = port_,
                                            .event_port = event_port},
                                   listener.get()));
  const auto message = next_message();
  REQUIRE(message);
  const auto* const served = std::get_if<LanServed>(&*message);
  REQUIRE(served != nullptr);
  return served->event_port;
}

std::optional<FromService> RunningService::next_message(std::chrono::milliseconds patience) {
  if (frames_.empty()) {
    if (!wait_readable(channel_->fd(), Clock::now() + patience)) return std::nullopt;
    auto frames = channel_->receive();
    if (!frames || frames->empty()) return std::nullopt;
    std::ranges::move(*frames, std::back_inserter(frames_));
  }
  auto message = wire::decode<FromService>(frames_.front().bytes);
  frames_.pop_front();
  REQUIRE(message);
  return *message;
}

std::string RunningService::get(std::string_view path, std::string_view more_headers) const {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + host() + "\r\n" +
         std::string(more_headers) + "\r\n";
}

std::string RunningService::post(std::string_view soap_action, std::string_view body,
                                 std::string_view more_headers) const {
  return "POST /t0ken/control/igd2/WANIPConn1 HTTP/1.1\r\nHost: " + host() +
         "\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: " +
         std::string(soap_action) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

std::string RunningService::ask(std::string_view request) const {
  HttpClient client(port_);
  client.send(request);
  return client.receive();
}

std::chrono::nanoseconds RunningService::cpu_time() const {
  clockid_t clock{};
  timespec used{};
  REQUIRE(::clock_getcpuclockid(pid_, &clock) == 0);
  REQUIRE(::clock_gettime(clock, &used) == 0);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

int RunningService::end() {
  channel_.reset();
  return wait();
}

int RunningService::wait() {
  int status = 0;
  REQUIRE(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace upnpd::test
