#include "http_connection.h"

#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

namespace upnpd::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

void set(int fd, int level, int option) {
  const int yes = 1;
  ::setsockopt(fd, level, option, &yes, sizeof yes);
}

template <class Number>
std::optional<Number> number_at(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// The value of a header, in a head that ends with its empty line.
std::optional<std::string_view> header(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':' ||
        ::strncasecmp(rest.data(), name.data(), name.size()) != 0)
      continue;
    const std::string_view value = rest.substr(name.size() + 1, rest.find('\r') - name.size() - 1);
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  }
  return std::nullopt;
}

}  // namespace

bool HttpConnection::connect() {
  fd_ = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return false;
  set(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  set(fd_.get(), IPPROTO_TCP, TCP_NODELAY);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from_), sizeof from_) != 0) return false;
  return ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0 ||
         errno == EINPROGRESS;
}

bool HttpConnection::begin(std::string request) {
  request_ = std::move(request);
  received_.clear();
  sent_ = 0;
  return fd_ || connect();
}

Progress HttpConnection::advance() {
  return wants_to_write() ? send() : receive();
}

Progress HttpConnection::send() {
  const auto sent =
      ::send(fd_.get(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
  if (sent >= 0) sent_ += static_cast<std::size_t>(sent);
  const bool is_broken = sent < 0 && errno != EAGAIN && errno != EINTR;
  if (is_broken) fd_ = base::Fd();
  return is_broken ? Progress::Broken : Progress::Waiting;
}

Progress HttpConnection::receive() {
  std::array<char, 65536> part;
  const auto length = ::recv(fd_.get(), part.data(), part.size(), 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::Waiting;
  if (length > 0) received_.append(part.data(), static_cast<std::size_t>(length));
  const bool is_answered = is_whole();
  if (length > 0 && !is_answered) return Progress::Waiting;
  if (!is_answered || !keep_alive_ || length <= 0 || peer_closes()) fd_ = base::Fd();
  return is_answered ? Progress::Answered : Progress::Broken;
}

bool HttpConnection::is_whole() const {
  const std::size_t end = received_.find(kHeadEnd);
  if (end == std::string::npos) return false;
  const std::string_view head = std::string_view(received_).substr(0, end + 2);
  if (header(head, "Transfer-Encoding")) return received_.ends_with("0\r\n\r\n");
  const auto length = number_at<std::size_t>(header(head, "Content-Length").value_or(""));
  return length && received_.size() >= end + kHeadEnd.size() + *length;
}

bool HttpConnection::peer_closes() const {
  return header(std::string_view(received_).substr(0, received_.find(kHeadEnd) + 2),
                "Connection") == "close";
}

HttpAnswer HttpConnection::answer() const {
  const std::string_view all = received_;
  const std::size_t space = std::min(all.find(' '), all.size() - 1);
  return {number_at<int>(all.substr(space + 1)).value_or(0),
          all.substr(all.find(kHeadEnd) + kHeadEnd.size())};
}

}  // namespace upnpd::bench
