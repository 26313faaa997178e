// upnpd-rules: gives a chain copies of one of its rules for further ports, as the program would
// have made them that made the first: byte for byte, with another port.
//   upnpd-rules copy --table T --chain C --like PORT --first PORT --count N
// T is of the family inet. For each of N ports from the first on, all rules about PORT are copied.
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "options.h"

using namespace upnpd::bench;

namespace {

constexpr unsigned kTogether = 50;  // ports in one transaction

struct FreeRule {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
using Rule = std::unique_ptr<nftnl_rule, FreeRule>;

struct Ports {
  std::uint16_t from, to;
  unsigned found = 0;
};

// Puts the new port where the old one is compared with, or loaded for the translation.
int change_port(nftnl_expr* expression, void* closure) {
  auto& ports = *static_cast<Ports*>(closure);
  const std::string name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  if (name != "cmp" && name != "immediate") return 0;
  const auto attribute =
      static_cast<std::uint16_t>(name == "cmp" ? +NFTNL_EXPR_CMP_DATA : +NFTNL_EXPR_IMM_DATA);
  std::uint32_t size = 0;
  const void* const data = nftnl_expr_get(expression, attribute, &size);
  const std::uint16_t from = htons(ports.from), to = htons(ports.to);
  if (data == nullptr || size != sizeof from || std::memcmp(data, &from, size) != 0) return 0;
  nftnl_expr_set(expression, attribute, &to, sizeof to);
  ++ports.found;
  return 0;
}

class Chain {
 public:
  Chain(std::string table, std::string chain)
      : socket_(mnl_socket_open(NETLINK_NETFILTER)), table_(table), chain_(chain) {
    if (socket_ == nullptr || mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) != 0)
      fail_with_errno("netlink");
  }
  ~Chain() { mnl_socket_close(socket_); }

  std::vector<Rule> rules_about(std::uint16_t port);
  // Changes `rules` from port to port, and adds what they have become.
  void add_copies(const std::vector<Rule>& rules, Ports& ports, unsigned count);

 private:
  void exchange(const void* request, std::size_t size, mnl_cb_t take, void* closure);

  mnl_socket* socket_;
  std::string table_, chain_;
  std::uint32_t sequence_ = 0;
};

void Chain::exchange(const void* request, std::size_t size, mnl_cb_t take, void* closure) {
  if (mnl_socket_sendto(socket_, request, size) < 0) fail_with_errno("netlink");
  std::vector<char> answer(1 << 17);
  int state = MNL_CB_OK;
  while (state > MNL_CB_STOP) {
    const auto length = mnl_socket_recvfrom(socket_, answer.data(), answer.size());
    if (length < 0) fail_with_errno("netlink");
    state = mnl_cb_run(answer.data(), static_cast<std::size_t>(length), 0,
                       mnl_socket_get_portid(socket_), take, closure);
    if (state < 0) fail_with_errno("the rules");
  }
}

std::vector<Rule> Chain::rules_about(std::uint16_t port) {
  Rule wanted(nftnl_rule_alloc());
  nftnl_rule_set_str(wanted.get(), NFTNL_RULE_TABLE, table_.c_str());
  nftnl_rule_set_str(wanted.get(), NFTNL_RULE_CHAIN, chain_.c_str());
  std::vector<char> buffer(8192);
  nlmsghdr* const dump =
      nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, ++sequence_);
  nftnl_rule_nlmsg_build_payload(dump, wanted.get());
  std::vector<Rule> all;
  exchange(
      dump, dump->nlmsg_len,
      [](const nlmsghdr* message, void* closure) {
        Rule rule(nftnl_rule_alloc());
        if (nftnl_rule_nlmsg_parse(message, rule.get()) == 0)
          static_cast<std::vector<Rule>*>(closure)->push_back(std::move(rule));
        return MNL_CB_OK;
      },
      &all);
  std::erase_if(all, [&](const Rule& rule) {
    Ports same{port, port};
    nftnl_expr_foreach(rule.get(), change_port, &same);
    nftnl_rule_unset(rule.get(), NFTNL_RULE_HANDLE);
    nftnl_rule_unset(rule.get(), NFTNL_RULE_POSITION);
    return same.found == 0;
  });
  return all;
}

void Chain::add_copies(const std::vector<Rule>& rules, Ports& ports, unsigned count) {
  std::vector<char> buffer(1 << 17);
  mnl_nlmsg_batch* const batch = mnl_nlmsg_batch_start(buffer.data(), buffer.size() / 2);
  const auto next = [&] { return static_cast<char*>(mnl_nlmsg_batch_current(batch)); };
  nftnl_batch_begin(next(), ++sequence_);
  mnl_nlmsg_batch_next(batch);
  for (unsigned i = 0; i < count; ++i) {
    ports.from = std::exchange(ports.to, static_cast<std::uint16_t>(ports.to + 1));
    for (const Rule& rule : rules) {
      nftnl_expr_foreach(rule.get(), change_port, &ports);
      const bool is_last = i + 1 == count && &rule == &rules.back();
      nlmsghdr* const message = nftnl_nlmsg_build_hdr(
          next(), NFT_MSG_NEWRULE, NFPROTO_INET,
          static_cast<std::uint16_t>(NLM_F_CREATE | NLM_F_APPEND | (is_last ? NLM_F_ACK : 0)),
          ++sequence_);
      nftnl_rule_nlmsg_build_payload(message, rule.get());
      mnl_nlmsg_batch_next(batch);
    }
  }
  nftnl_batch_end(next(), ++sequence_);
  mnl_nlmsg_batch_next(batch);
  exchange(mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch), nullptr, nullptr);
  mnl_nlmsg_batch_stop(batch);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  if (options.action() != "copy") fail("unknown action: " + options.action());
  const auto like = static_cast<std::uint16_t>(options.number("like", 0));
  Chain chain(options.text("table"), options.text("chain"));
  const std::vector<Rule> rules = chain.rules_about(like);
  if (rules.empty()) return 0;
  const unsigned first = options.number("first", 0), count = options.number("count", 0);
  // The rules are changed in place, from each port to the next.
  Ports ports{like, static_cast<std::uint16_t>(first - 1)};
  for (const Rule& rule : rules)
    nftnl_expr_foreach(rule.get(), change_port, &ports);
  for (unsigned done = 0; done < count; done += kTogether)
    chain.add_copies(rules, ports, std::min(kTogether, count - done));
}
