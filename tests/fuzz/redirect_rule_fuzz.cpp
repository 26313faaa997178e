// A rule of somebody else's table, as libnftnl hands it over: any expressions with any attributes.
#include "redirect_rule.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <cstring>

#include "fuzz.h"

using namespace upnpd;
using namespace upnpd::fuzz;

namespace {

enum class Kind { Number, Data, Text, Info, Jump };

struct Attribute {
  const char* expression;
  std::uint16_t number;
  Kind kind;
};

// What an expression can have, by libnftnl, which ends the process when a kind is another one.
constexpr std::array kAttributes = std::to_array<Attribute>({
    {"meta", NFTNL_EXPR_META_KEY, Kind::Number},
    {"meta", NFTNL_EXPR_META_DREG, Kind::Number},
    {"payload", NFTNL_EXPR_PAYLOAD_DREG, Kind::Number},
    {"payload", NFTNL_EXPR_PAYLOAD_BASE, Kind::Number},
    {"payload", NFTNL_EXPR_PAYLOAD_OFFSET, Kind::Number},
    {"payload", NFTNL_EXPR_PAYLOAD_LEN, Kind::Number},
    {"bitwise", NFTNL_EXPR_BITWISE_DREG, Kind::Number},
    {"cmp", NFTNL_EXPR_CMP_SREG, Kind::Number},
    {"cmp", NFTNL_EXPR_CMP_OP, Kind::Number},
    {"cmp", NFTNL_EXPR_CMP_DATA, Kind::Data},
    {"range", NFTNL_EXPR_RANGE_SREG, Kind::Number},
    {"range", NFTNL_EXPR_RANGE_OP, Kind::Number},
    {"range", NFTNL_EXPR_RANGE_FROM_DATA, Kind::Data},
    {"range", NFTNL_EXPR_RANGE_TO_DATA, Kind::Data},
    {"lookup", NFTNL_EXPR_LOOKUP_SREG, Kind::Number},
    {"lookup", NFTNL_EXPR_LOOKUP_SET, Kind::Text},
    {"lookup", NFTNL_EXPR_LOOKUP_FLAGS, Kind::Number},
    {"immediate", NFTNL_EXPR_IMM_DREG, Kind::Number},
    {"immediate", NFTNL_EXPR_IMM_VERDICT, Kind::Jump},
    {"match", NFTNL_EXPR_MT_NAME, Kind::Text},
    {"match", NFTNL_EXPR_MT_INFO, Kind::Info},
    {"target", NFTNL_EXPR_TG_NAME, Kind::Text},
    {"nat", NFTNL_EXPR_NAT_TYPE, Kind::Number},
    {"redir", NFTNL_EXPR_REDIR_REG_PROTO_MIN, Kind::Number},
});
constexpr std::array kTexts{"tcp", "udp", "DNAT", "REDIRECT", "wan", ""};

void set(nftnl_expr* expression, const Attribute& attribute, Input& input) {
  std::array<std::uint8_t, 16> bytes{};
  switch (attribute.kind) {
    case Kind::Number:
      nftnl_expr_set_u32(expression, attribute.number,
                         static_cast<std::uint32_t>(static_cast<std::int8_t>(input.byte())));
      break;
    case Kind::Text:
      nftnl_expr_set_str(expression, attribute.number, kTexts[input.byte() % kTexts.size()]);
      break;
    case Kind::Jump:  // libnftnl frees a chain's name only with such a verdict
      nftnl_expr_set_u32(expression, attribute.number,
                         static_cast<std::uint32_t>(input.byte() % 2 == 0 ? NFT_JUMP : NFT_GOTO));
      nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, "chain");
      break;
    case Kind::Data:
    case Kind::Info: {
      const std::uint32_t size = input.byte() % 17;
      for (std::uint32_t i = 0; i < size; ++i)
        bytes[i] = input.byte();
      if (attribute.kind == Kind::Data)
        nftnl_expr_set(expression, attribute.number, bytes.data(), size);
      else if (void* const owned = std::malloc(bytes.size()))
        nftnl_expr_set(expression, attribute.number, std::memcpy(owned, bytes.data(), size), size);
      break;
    }
  }
}

// An expression with some of its attributes, each set once: libnftnl forgets a text that is set
// twice.
nftnl_expr* an_expression(Input& input) {
  const char* const name = kAttributes[input.byte() % kAttributes.size()].expression;
  nftnl_expr* const expression = nftnl_expr_alloc(name);
  const unsigned wanted = input.byte();
  unsigned place = 0;
  for (const Attribute& attribute : kAttributes)
    if (std::string_view(attribute.expression) == name && (wanted >> place++ & 1) != 0)
      set(expression, attribute, input);
  return expression;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto rule = kernel::own(nftnl_rule_alloc());
  for (int i = 0; i < 16 && !input.is_empty(); ++i)
    nftnl_rule_add_expr(rule.get(), an_expression(input));
  const kernel::WanNames wan{{"wan"}, {2}, {Ipv4Address::from_host_order(0xcb007101)}};
  const auto ports = [](const std::string&, std::size_t offset) {
    return offset % 2 == 0 ? std::optional<std::vector<kernel::PortInterval>>({{80, 81}})
                           : std::nullopt;
  };
  const auto read = kernel::read_redirect_rule(rule.get(), {}, wan, ports);
  if (read.taken.ports)
    for (const auto& interval : *read.taken.ports)
      must(interval.first <= interval.last, "an interval is not turned round");
  return 0;
}
