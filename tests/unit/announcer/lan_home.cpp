#include "lan_home.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "announcer.h"
#include "log.h"
#include "upnpd/device_tree.h"

namespace upnpd::test {
namespace {

// The shadow memory of the address sanitizer is larger than any limit worth the name.
#ifdef UPNPD_SANITIZED
constexpr rlim_t kAddressSpace = RLIM_INFINITY;
#else
constexpr rlim_t kAddressSpace = 128u << 20;
#endif

using Clock = std::chrono::steady_clock;

// A broken test bench ends the test with a line that says where.
void must(bool good, const std::string& what) {
  if (!good) throw std::runtime_error(what + ": " + std::to_string(errno));
}

void run(const std::string& command) {
  must(std::system(command.c_str()) == 0, command);
}

base::Fd this_namespace() {
  base::Fd fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  must(static_cast<bool>(fd), "namespace");
  return fd;
}

base::Fd new_namespace() {
  must(::unshare(CLONE_NEWNET) == 0, "unshare");
  return this_namespace();
}

std::string path_of(const base::Fd& fd) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get());
}

sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  must(::inet_pton(AF_INET, address.c_str(), &result.sin_addr) == 1, address);
  return result;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool readable(int fd, milliseconds time) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, static_cast<int>(time.count())) == 1;
}

void bind_to(int fd, const std::string& interface) {
  must(::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                    static_cast<socklen_t>(interface.size())) == 0,
       "SO_BINDTODEVICE");
}

std::string service_xml(const AnnouncedType& type, int version, std::uint16_t event_port) {
  const std::string name(type.service_id);
  return "<service><serviceType>" + std::string(type.urn) +
         std::to_string(version == 1 ? type.version_in_igd1 : type.version_in_igd2) +
         "</serviceType><serviceId>urn:upnp-org:serviceId:" + name + "</serviceId><SCPDURL>/" +
         name + ".xml</SCPDURL><controlURL>/control/" + name +
         "</controlURL><eventSubURL>http://192.168.77.1:" + std::to_string(event_port) +
         event_path(version, name) + "</eventSubURL></service>";
}

std::string device_xml(DeviceLevel level, int version, std::uint16_t event_port) {
  std::string type_name;
  std::string services;
  for (const AnnouncedType& type : kAnnouncedTypes) {
    if (type.level != level || (version == 1 && type.version_in_igd1 == 0)) continue;
    if (type.is_device)
      type_name = std::string(type.urn) + std::to_string(version);
    else
      services += service_xml(type, version, event_port);
  }
  std::string inner;
  if (level != DeviceLevel::WanConnectionDevice)
    inner = "<deviceList>" +
            device_xml(static_cast<DeviceLevel>(static_cast<int>(level) + 1), version, event_port) +
            "</deviceList>";
  return "<device><deviceType>" + type_name +
         "</deviceType><friendlyName>r</friendlyName><UDN>uuid:" + device_uuid(kUuid, level) +
         "</UDN><serviceList>" + services + "</serviceList>" + inner + "</device>";
}

}  // namespace

Home::Home() {
  host_ = new_namespace();
  internet_ = new_namespace();
  router_ = new_namespace();
  run("ip link set lo up");
  run("ip link add lan0 type veth peer name eth0 netns " + path_of(host_));
  run("ip link add wan0 type veth peer name eth0 netns " + path_of(internet_));
  run("ip addr add 192.168.77.1/24 dev lan0 && ip link set lan0 up");
  run("ip addr add 203.0.113.1/24 dev wan0 && ip link set wan0 up");
  run("ip route add default via 203.0.113.2");
  in(Place::Host, [] {
    run("ip link set lo up && ip addr add 192.168.77.20/24 dev eth0 && ip addr add "
        "192.168.77.21/24 dev eth0");
    run("ip link set eth0 up && ip route add default via 192.168.77.1");
    return 0;
  });
  in(Place::Internet, [] {
    run("ip link set lo up && ip addr add 203.0.113.2/24 dev eth0 && ip link set eth0 up");
    return 0;
  });
}

void Home::enter(Place place) {
  const base::Fd& to = place == Place::Router ? router_ : place == Place::Host ? host_ : internet_;
  must(::setns(to.get(), CLONE_NEWNET) == 0, "setns");
}

base::Fd udp_socket(std::uint16_t port, const std::string& interface, const std::string& address) {
  base::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
  bind_to(fd.get(), interface);
  ip_mreqn group{};
  group.imr_multiaddr.s_addr = htonl(0xeffffffa);
  group.imr_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  must(::setsockopt(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0, "join");
  const sockaddr_in to = socket_address(address, port);
  must(::bind(fd.get(), generic(to), sizeof to) == 0, "bind");
  return fd;
}

void send_to(int socket, const std::string& text, const std::string& address, std::uint16_t port) {
  const sockaddr_in to = socket_address(address, port);
  must(::sendto(socket, text.data(), text.size(), 0, generic(to), sizeof to) >= 0, "sendto");
}

std::vector<Message> messages(int socket, milliseconds time, std::optional<milliseconds> first) {
  std::vector<Message> all;
  while (readable(socket, all.empty() ? first.value_or(time) : time)) {
    std::array<char, 4096> buffer{};
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t size = ::recvfrom(socket, buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) break;
    std::array<char, INET_ADDRSTRLEN> name{};
    ::inet_ntop(AF_INET, &from.sin_addr, name.data(), name.size());
    all.push_back({std::string(buffer.data(), static_cast<std::size_t>(size)),
                   std::string(name.data()) + ":" + std::to_string(ntohs(from.sin_port))});
  }
  return all;
}

base::Fd tcp_listener(const std::string& address, std::uint16_t port,
                      const std::string& interface) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!interface.empty()) bind_to(fd.get(), interface);
  const sockaddr_in to = socket_address(address, port);
  must(::bind(fd.get(), generic(to), sizeof to) == 0 && ::listen(fd.get(), 16) == 0, "listen");
  return fd;
}

std::optional<base::Fd> accepted(int listener, milliseconds time) {
  if (!readable(listener, time)) return std::nullopt;
  return base::Fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
}

base::Fd begun_connection(const std::string& from, const std::string& to, std::uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_in own = socket_address(from, 0);
  const sockaddr_in peer = socket_address(to, port);
  must(::bind(fd.get(), generic(own), sizeof own) == 0, "bind");
  must(::connect(fd.get(), generic(peer), sizeof peer) == 0 || errno == EINPROGRESS, "connect");
  return fd;
}

void answer(int connection, const std::string& text) {
  (void)!::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

std::string http_message(int connection, milliseconds time) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (readable(connection, time)) {
    const ssize_t size = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    if (text.size() >=
        end + 4 +
            static_cast<std::size_t>(std::atoi(("0" + header(text, "CONTENT-LENGTH")).c_str())))
      break;
  }
  return text;
}

std::string ask(const std::string& from, const std::string& to, std::uint16_t port,
                const std::string& request, milliseconds time) {
  const base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 3, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const sockaddr_in own = socket_address(from, 0);
  const sockaddr_in peer = socket_address(to, port);
  must(::bind(fd.get(), generic(own), sizeof own) == 0, "bind");
  if (::connect(fd.get(), generic(peer), sizeof peer) != 0) return "no connection";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "not sent";
  return http_message(fd.get(), time);
}

base::Fd packet_socket(const std::string& interface) {
  base::Fd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP)));
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_protocol = htons(ETH_P_IP);
  link.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  must(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link) == 0,
       "packet socket");
  return fd;
}

int packets(int socket) {
  int count = 0;
  std::array<char, 2048> buffer{};
  sockaddr_ll from{};
  socklen_t length = sizeof from;
  while (::recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT,
                    reinterpret_cast<sockaddr*>(&from), &length) >= 0)
    if (from.sll_pkttype != PACKET_OUTGOING) ++count;
  return count;
}

std::string header(const std::string& message, const std::string& name) {
  const std::size_t start = message.find("\r\n" + name + ":");
  if (start == std::string::npos) return {};
  const std::size_t value = message.find_first_not_of(' ', start + 3 + name.size());
  return message.substr(value, message.find("\r\n", value) - value);
}

DescriptionServer::DescriptionServer(std::uint16_t event_port)
    : event_port_(event_port), listener_(tcp_listener("192.168.77.1", kHttpPort, "lan0")) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested())
      if (const auto connection = accepted(listener_.get(), milliseconds(50)))
        serve(connection->get());
  });
}

DescriptionServer::~DescriptionServer() = default;

void DescriptionServer::serve(int connection) const {
  const std::string request = http_message(connection, milliseconds(1000));
  const int version = request.find("igd2.xml") != std::string::npos ? 2 : 1;
  const std::string body =
      "<?xml version=\"1.0\"?><root "
      "xmlns=\"urn:schemas-upnp-org:device-1-0\"><specVersion><major>1</major>"
      "<minor>0</minor></specVersion>" +
      device_xml(DeviceLevel::Root, version, event_port_) + "</root>";
  answer(connection,
         "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
}

AnnouncerProcess::AnnouncerProcess() {
  auto pair = wire::Channel::make_pair();
  must(pair.has_value(), "channel");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit space{kAddressSpace, kAddressSpace};
    const base::Fd end(::dup(pair->second.fd()));
    pair->first = wire::Channel(base::Fd());
    if (::setrlimit(RLIMIT_AS, &space) != 0 || ::setgroups(0, nullptr) != 0 ||
        ::setgid(65534) != 0 || ::setuid(65534) != 0)
      ::_exit(99);
    base::set_up_log({.process = "announcer lan0"});
    announcer::run_announcer(base::Fd(::dup(end.get())),
                             [] { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); });
  }
  channel_.emplace(std::move(pair->first));
}

AnnouncerProcess::~AnnouncerProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<FromAnnouncer> AnnouncerProcess::receive(milliseconds time) {
  if (frames_.empty()) {
    if (!readable(channel_->fd(), time)) return std::nullopt;
    auto frames = channel_->receive();
    if (!frames || frames->empty()) return std::nullopt;
    std::ranges::move(*frames, std::back_inserter(frames_));
  }
  const auto message = wire::decode<FromAnnouncer>(frames_.front().bytes);
  frames_.pop_front();
  return message ? std::optional(*message) : std::nullopt;
}

std::optional<std::uint16_t> AnnouncerProcess::announce_lan(std::uint32_t notify_interval) {
  const base::Fd socket = udp_socket(1900, "lan0", "0.0.0.0");
  send(AnnounceLan{.lan = 0,
                   .interface = "lan0",
                   .address = *Ipv4Network::parse("192.168.77.1/24"),
                   .http_port = kHttpPort,
                   .preferred_event_port = 0,
                   .notify_interval = notify_interval,
                   .uuid = std::string(kUuid),
                   .path_token = "t0ken",
                   .description_hash = 1},
       socket.get());
  const auto ready = receive(milliseconds(5000));
  if (!ready || !std::holds_alternative<AnnouncerReady>(*ready)) return std::nullopt;
  return std::get<AnnouncerReady>(*ready).event_port;
}

std::optional<int> AnnouncerProcess::exit_status(milliseconds time) {
  const auto end = Clock::now() + time;
  do {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(milliseconds(5));
  } while (Clock::now() < end);
  return std::nullopt;
}

}  // namespace upnpd::test
