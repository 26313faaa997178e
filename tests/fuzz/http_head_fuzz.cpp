// A request's head: nothing that comes from elsewhere than the site itself may pass. The input is
// lines: method, target, and the headers in the order below; an empty line is no header.
#include <array>

#include "fuzz.h"
#include "http_checks.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::array<IpNetwork, 1> addresses{*Ipv4Network::parse("192.168.77.1/24")};
  const igd::HttpSite site{addresses, 2869, "a1b2c3d4"};
  const auto header = [&]() -> std::optional<std::string_view> {
    const std::string_view line = input.until('\n');
    return line.empty() ? std::nullopt : std::optional(line);
  };
  igd::HttpHead head{.caller = Ipv4Address::from_host_order(input.four_bytes())};
  head.method = input.until('\n');
  head.target = input.until('\n');
  for (auto* const field : {&head.host, &head.origin, &head.referer, &head.content_type,
                            &head.soap_action, &head.user_agent, &head.content_length})
    *field = header();
  head.is_chunked = input.byte() == 'c';
  const auto request = igd::check_head(head, site);
  if (!request) {
    must(static_cast<unsigned>(request.error().status) >= 400, "a refusal has a refusal's status");
    return 0;
  }
  must(contains_host(addresses[0], *head.caller), "the caller is on the LAN");
  must(!head.host || head.host->find("192.168.77.1") != std::string_view::npos, "Host is our own");
  for (const auto& from : {head.origin, head.referer})
    must(!from || from->find("//192.168.77.1:2869") == 5, "a page is our own");
  must(head.target.find("a1b2c3d4") != std::string_view::npos, "the path was known");
  must(std::holds_alternative<igd::DocumentRequest>(*request) || head.method == "POST",
       "control is POST");
  return 0;
}
