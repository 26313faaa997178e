// A bare nftables map that gets elements, as little as can be done for it: what a transaction costs
// when nothing of upnpd is in it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

struct mnl_socket;

namespace upnpd::bench {

class NftMap {
 public:
  // The map `table inet TABLE { map MAP { type inet_service : ipv4_addr } }`, which is there.
  NftMap(const char* table, const char* map);

  // Adds elements to `count` keys from `port` on, in one transaction, and waits until the kernel
  // has said yes; ends the program when it says no.
  void add(std::uint16_t port, unsigned count = 1);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  std::unique_ptr<mnl_socket, Close> socket_;
  const char* table_;
  const char* map_;
  std::uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

}  // namespace upnpd::bench
