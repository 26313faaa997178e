#include "redirect_rule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string_view>

namespace upnpd::kernel {
namespace {

enum class Loaded { InterfaceName, TransportProtocol, DestinationAddress, DestinationPort };

constexpr std::uint32_t kIpDestination = 16;  // RFC 791 section 3.1
constexpr std::uint32_t kIpProtocol = 9;
constexpr std::uint32_t kPortDestination = 2;  // RFC 768, RFC 9293
constexpr std::size_t kRegisterBytes = 4;

// Registers are named in two ways: four of 16 bytes, or sixteen of 4 bytes at the same place.
std::uint32_t place_of(std::uint32_t name) {
  return name >= NFT_REG32_00 ? name - NFT_REG32_00 : 4 * (name - NFT_REG_1);
}

class RuleReader {
 public:
  RuleReader(TakenPackets before, const WanNames& wan, const PortsOfSet& ports_of_set)
      : rule_{.taken = std::move(before)}, wan_(wan), ports_of_set_(ports_of_set) {}

  void read(nftnl_expr* expression);
  RedirectRule take() { return std::move(rule_); }

 private:
  std::uint32_t place(nftnl_expr* e, std::uint16_t attribute) const {
    return place_of(nftnl_expr_get_u32(e, attribute));
  }
  void read_meta(nftnl_expr* e);
  void read_payload(nftnl_expr* e);
  void read_bitwise(nftnl_expr* e) { loaded_.erase(place(e, NFTNL_EXPR_BITWISE_DREG)); }
  void read_cmp(nftnl_expr* e);
  void read_range(nftnl_expr* e);
  void read_lookup(nftnl_expr* e);
  void read_immediate(nftnl_expr* e);
  void read_match(nftnl_expr* e);
  void read_target(nftnl_expr* e);

  void compare(Loaded what, std::uint32_t operation, std::span<const std::byte> value);
  void compare_port(std::uint32_t operation, std::uint16_t port);
  void keep_ports(const std::vector<PortInterval>& kept);

  RedirectRule rule_;
  const WanNames& wan_;
  const PortsOfSet& ports_of_set_;
  std::map<std::uint32_t, Loaded> loaded_;
};

std::span<const std::byte> bytes_of(nftnl_expr* e, std::uint16_t attribute) {
  std::uint32_t size = 0;
  const void* const data = nftnl_expr_get(e, attribute, &size);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), size};
}

template <class Number>
std::optional<Number> number_of(std::span<const std::byte> bytes) {
  Number number;
  if (bytes.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

void RuleReader::read(nftnl_expr* e) {
  struct Reader {
    std::string_view name;
    void (RuleReader::*read)(nftnl_expr*);
  };
  static constexpr std::array<Reader, 9> kReaders{{{"meta", &RuleReader::read_meta},
                                                   {"payload", &RuleReader::read_payload},
                                                   {"bitwise", &RuleReader::read_bitwise},
                                                   {"cmp", &RuleReader::read_cmp},
                                                   {"range", &RuleReader::read_range},
                                                   {"lookup", &RuleReader::read_lookup},
                                                   {"immediate", &RuleReader::read_immediate},
                                                   {"match", &RuleReader::read_match},
                                                   {"target", &RuleReader::read_target}}};
  const char* const text = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "redir") rule_.redirects = true;
  if (name == "nat" && nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT)
    rule_.redirects = true;
  for (const Reader& reader : kReaders)
    if (reader.name == name) (this->*reader.read)(e);
}

void RuleReader::read_meta(nftnl_expr* e) {
  if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_DREG)) return;
  const std::uint32_t to = place(e, NFTNL_EXPR_META_DREG);
  loaded_.erase(to);
  const std::uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
  if (key == NFT_META_IIFNAME) loaded_.emplace(to, Loaded::InterfaceName);
  if (key == NFT_META_L4PROTO) loaded_.emplace(to, Loaded::TransportProtocol);
}

void RuleReader::read_payload(nftnl_expr* e) {
  if (!nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_DREG)) return;
  const std::uint32_t to = place(e, NFTNL_EXPR_PAYLOAD_DREG);
  const std::uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
  const std::uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
  const std::uint32_t length = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
  loaded_.erase(to);
  if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == kPortDestination && length == 2)
    loaded_.emplace(to, Loaded::DestinationPort);
  if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == kIpDestination && length == 4)
    loaded_.emplace(to, Loaded::DestinationAddress);
  if (base == NFT_PAYLOAD_NETWORK_HEADER && offset == kIpProtocol && length == 1)
    loaded_.emplace(to, Loaded::TransportProtocol);
}

void RuleReader::read_cmp(nftnl_expr* e) {
  const auto loaded = loaded_.find(place(e, NFTNL_EXPR_CMP_SREG));
  if (loaded == loaded_.end()) return;
  compare(loaded->second, nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP),
          bytes_of(e, NFTNL_EXPR_CMP_DATA));
}

void RuleReader::compare(Loaded what, std::uint32_t operation, std::span<const std::byte> value) {
  const bool is_equal = operation == NFT_CMP_EQ;
  switch (what) {
    case Loaded::DestinationPort:
      if (const auto port = number_of<std::uint16_t>(value)) compare_port(operation, ntohs(*port));
      break;
    case Loaded::TransportProtocol:
      if (!is_equal || value.empty()) break;
      rule_.taken.protocol = parse_protocol(std::to_integer<std::uint8_t>(value[0]));
      if (!rule_.taken.protocol) rule_.taken.from_wan = false;  // ICMP, say
      break;
    case Loaded::DestinationAddress:
      if (const auto address = number_of<std::uint32_t>(value); address && is_equal)
        rule_.taken.from_wan =
            rule_.taken.from_wan &&
            std::ranges::count(wan_.addresses, Ipv4Address::from_host_order(ntohl(*address))) != 0;
      break;
    case Loaded::InterfaceName: {
      if (!is_equal) break;
      // All 16 bytes for a name; fewer, without a NUL, for "ppp*".
      std::string_view name(static_cast<const char*>(static_cast<const void*>(value.data())),
                            value.size());
      const std::size_t end = name.find('\0');
      const bool is_prefix = end == std::string_view::npos;
      name = name.substr(0, end);
      rule_.taken.from_wan =
          rule_.taken.from_wan && std::ranges::any_of(wan_.interfaces, [&](const std::string& wan) {
            return is_prefix ? wan.starts_with(name) : wan == name;
          });
      break;
    }
  }
}

void RuleReader::compare_port(std::uint32_t operation, std::uint16_t port) {
  const auto above = static_cast<std::uint16_t>(port + 1);
  const auto below = static_cast<std::uint16_t>(port - 1);
  switch (operation) {
    case NFT_CMP_EQ: return keep_ports({{port, port}});
    case NFT_CMP_NEQ:
      if (port == 0) return keep_ports({{above, 65535}});
      return port == 65535 ? keep_ports({{0, below}}) : keep_ports({{0, below}, {above, 65535}});
    case NFT_CMP_GTE: return keep_ports({{port, 65535}});
    case NFT_CMP_LTE: return keep_ports({{0, port}});
    case NFT_CMP_GT: return port == 65535 ? keep_ports({}) : keep_ports({{above, 65535}});
    case NFT_CMP_LT: return port == 0 ? keep_ports({}) : keep_ports({{0, below}});
  }
}

void RuleReader::keep_ports(const std::vector<PortInterval>& kept) {
  std::vector<PortInterval> both;
  for (const PortInterval& old : rule_.taken.ports.value_or(std::vector<PortInterval>{{0, 65535}}))
    for (const PortInterval& one : kept) {
      const PortInterval common{std::max(old.first, one.first), std::min(old.last, one.last)};
      if (common.first <= common.last) both.push_back(common);
    }
  rule_.taken.ports = std::move(both);
}

void RuleReader::read_range(nftnl_expr* e) {
  const auto loaded = loaded_.find(place(e, NFTNL_EXPR_RANGE_SREG));
  if (loaded == loaded_.end() || loaded->second != Loaded::DestinationPort) return;
  const auto from = number_of<std::uint16_t>(bytes_of(e, NFTNL_EXPR_RANGE_FROM_DATA));
  const auto to = number_of<std::uint16_t>(bytes_of(e, NFTNL_EXPR_RANGE_TO_DATA));
  if (from && to && nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_EQ)
    keep_ports({{ntohs(*from), ntohs(*to)}});
}

// A set, or the map of a "dnat to ... map". The port may be one of several fields.
void RuleReader::read_lookup(nftnl_expr* e) {
  const bool is_inverted = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
                           nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) != 0;
  const char* const set = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
  const std::uint32_t from = place(e, NFTNL_EXPR_LOOKUP_SREG);
  const auto port = std::ranges::find_if(loaded_, [from](const auto& one) {
    return one.second == Loaded::DestinationPort && one.first >= from;
  });
  if (is_inverted || set == nullptr || port == loaded_.end()) return;
  if (const auto ports = ports_of_set_(set, (port->first - from) * kRegisterBytes))
    keep_ports(*ports);
}

void RuleReader::read_immediate(nftnl_expr* e) {
  if (!nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
    loaded_.erase(place(e, NFTNL_EXPR_IMM_DREG));
    return;
  }
  const auto verdict = static_cast<std::int32_t>(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT));
  const char* const chain = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
  if ((verdict == NFT_JUMP || verdict == NFT_GOTO) && chain != nullptr) rule_.jump = chain;
}

// iptables-nft: xt_tcp and xt_udp begin with the source ports, then the destination ports, in the
// host's order.
void RuleReader::read_match(nftnl_expr* e) {
  const char* const name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
  const auto protocol = parse_protocol(std::string_view(name == nullptr ? "" : name));
  const auto info = bytes_of(e, NFTNL_EXPR_MT_INFO);
  if (!protocol || info.size() < 8) return;
  rule_.taken.protocol = protocol;
  const auto first = *number_of<std::uint16_t>(info.subspan(4));
  const auto last = *number_of<std::uint16_t>(info.subspan(6));
  if (first != 0 || last != 65535) keep_ports({{first, last}});
}

void RuleReader::read_target(nftnl_expr* e) {
  const char* const name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
  const std::string_view target = name == nullptr ? "" : name;
  if (target == "DNAT" || target == "REDIRECT") rule_.redirects = true;
}

}  // namespace

RedirectRule read_redirect_rule(nftnl_rule* rule, TakenPackets before, const WanNames& wan,
                                const PortsOfSet& ports_of_set) {
  RuleReader reader(std::move(before), wan, ports_of_set);
  nftnl_expr_foreach(
      rule,
      [](nftnl_expr* expression, void* self) {
        static_cast<RuleReader*>(self)->read(expression);
        return 0;
      },
      &reader);
  return reader.take();
}

}  // namespace upnpd::kernel
