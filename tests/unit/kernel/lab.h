// What the tests on the real kernel share: commands run beside the code under test, and further
// network namespaces with the hosts of a small internet.
#pragma once

#include <netinet/in.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nft_dump.h"
#include "nft_sets.h"
#include "nft_table.h"

namespace upnpd::kernel::test {

// What `command` prints on both its outputs, run by the shell.
std::string output_of(const std::string& command);
bool has_command(const std::string& name);

// Opens `nat` and makes its table, or makes whole the one that is there, with its mappings.
TableOrigin make_table(Nat& nat);

// What the kernel holds, in order.
std::vector<PortMapping> mappings_of(Nat& nat);
std::vector<Element> elements_of(const char* set);

// An open table in a namespace that has none; taken away at the end.
struct FreshTable {
  FreshTable();
  ~FreshTable();
  NftTable nat{TableAccess::Everyones};
};

// A network namespace that ends with the object.
class Host {
 public:
  Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();
  // Runs `function` in this namespace, on a thread of its own. Sockets it makes stay there.
  void run(const std::function<void()>& function) const;
  // Runs a command there.
  std::string output_of(const std::string& command) const;
  // What `ip link ... netns` takes, from any process.
  std::string path() const;

 private:
  int fd_ = -1;
};

// A UDP socket of a host.
class UdpSocket {
 public:
  UdpSocket(const Host& host, std::string_view address, std::uint16_t port);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;
  ~UdpSocket();
  void send(std::string_view address, std::uint16_t port, std::string_view text) const;
  struct Datagram {
    std::string text;
    std::string address;
    std::uint16_t port;
  };
  // The next datagram; no value when none comes within half a second.
  std::optional<Datagram> receive() const;

 private:
  int fd_ = -1;
};

}  // namespace upnpd::kernel::test
