#include "nft_dump.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "nft_owner.h"
#include "nft_sets.h"
#include "nl_request.h"

namespace upnpd::kernel {
namespace {

std::span<const std::byte> bytes_of(nftnl_set_elem* element, std::uint16_t attribute) {
  if (!nftnl_set_elem_is_set(element, attribute)) return {};
  std::uint32_t size = 0;
  const auto* bytes = static_cast<const std::byte*>(nftnl_set_elem_get(element, attribute, &size));
  return {bytes, size};
}

int take_counter(nftnl_expr* expression, void* data) {
  auto& traffic = *static_cast<TrafficCounters*>(data);
  const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  if (name == nullptr || std::string_view(name) != "counter") return 0;
  traffic.packets = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
  traffic.bytes = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES);
  return 0;
}

std::optional<std::chrono::milliseconds> remaining(nftnl_set_elem* element) {
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_EXPIRATION))
    return std::chrono::milliseconds(nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_EXPIRATION));
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_TIMEOUT)) return std::chrono::milliseconds(0);
  return std::nullopt;
}

int take_element(nftnl_set_elem* from, void* data) {
  const auto key = Fields::from_bytes(bytes_of(from, NFTNL_SET_ELEM_KEY));
  const auto value = Fields::from_bytes(bytes_of(from, NFTNL_SET_ELEM_DATA));
  if (!key || !value) return 0;
  const auto userdata = bytes_of(from, NFTNL_SET_ELEM_USERDATA);
  const bool is_end =
      nftnl_set_elem_is_set(from, NFTNL_SET_ELEM_FLAGS) &&
      (nftnl_set_elem_get_u32(from, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END);
  Element element{.key = *key,
                  .data = *value,
                  .lifetime = remaining(from),
                  .userdata = {userdata.begin(), userdata.end()},
                  .is_interval_end = is_end};
  nftnl_set_elem_expr_foreach(from, take_counter, &element.traffic);
  (*static_cast<const ElementVisit*>(data))(element);
  return 0;
}

// Asks for the elements that `set` names, or, by NLM_F_DUMP, for all it has.
std::expected<void, NetlinkError> get_elements(NlSocket& socket, nftnl_set& set,
                                               std::uint16_t flags, const ElementVisit& visit) {
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, flags, NFPROTO_INET);
  nftnl_set_elems_nlmsg_build_payload(&request.header(), &set);

  ElementVisit visitor = visit;  // the library hands on a pointer that is not const
  const auto answered = socket.ask(request.header(), [&](const nlmsghdr& message) {
    const auto part = own(nftnl_set_alloc());
    if (nftnl_set_elems_nlmsg_parse(&message, part.get()) >= 0)
      nftnl_set_elem_foreach(part.get(), take_element, &visitor);
  });
  if (answered) return {};
  return std::unexpected(
      NetlinkError{answered.error().error,
                   std::string("reading set ") + nftnl_set_get_str(&set, NFTNL_SET_NAME)});
}

Owned<nftnl_set> make_name(const char* set) {
  auto name = own(nftnl_set_alloc());
  nftnl_set_set_str(name.get(), NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(name.get(), NFTNL_SET_NAME, set);
  return name;
}

}  // namespace

std::expected<void, NetlinkError> visit_elements(NlSocket& socket, const char* set,
                                                 const ElementVisit& visit) {
  return get_elements(socket, *make_name(set), NLM_F_DUMP, visit);
}

std::expected<std::vector<Element>, NetlinkError> dump_elements(NlSocket& socket, const char* set) {
  std::vector<Element> elements;
  const auto visited = until_uninterrupted([&] {
    elements.clear();
    return visit_elements(socket, set, [&](Element& e) { elements.push_back(std::move(e)); });
  });
  if (!visited) return std::unexpected(visited.error());
  return elements;
}

std::expected<Element, NetlinkError> find_element(NlSocket& socket, const char* set,
                                                  const Fields& key) {
  const auto name = make_name(set);
  auto wanted = own(nftnl_set_elem_alloc());
  nftnl_set_elem_set(wanted.get(), NFTNL_SET_ELEM_KEY, key.bytes().data(),
                     static_cast<std::uint32_t>(key.bytes().size()));
  nftnl_set_elem_add(name.get(), wanted.release());
  std::optional<Element> found;
  const auto asked =
      get_elements(socket, *name, NLM_F_ACK, [&](Element& element) { found = std::move(element); });
  if (!asked) return std::unexpected(asked.error());
  if (!found) return std::unexpected(NetlinkError{ENOENT, std::string("reading set ") + set});
  return *std::move(found);
}

}  // namespace upnpd::kernel
