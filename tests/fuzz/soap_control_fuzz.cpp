// A control request, from SOAPACTION and body to the answer: by every service's description. The
// input is: which service, SOAPACTION, newline, body.
#include "soap_control.h"

#include <array>
#include <pugixml.hpp>

#include "fuzz.h"
#include "soap_request.h"
#include "states_told.h"

using namespace upnpd;
using namespace upnpd::fuzz;

namespace {

constexpr std::array kServices{"WANIPConn1", "WANCommonIFC1", "L3Forwarding1", "WANIPv6Firewall1"};

void check(const igd::HttpAnswer& answer) {
  if (answer.body.empty()) return;
  pugi::xml_document document;
  must(document.load_buffer(answer.body.data(), answer.body.size()), "an answer is well-formed");
  for (const char c : answer.body)
    must(c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x20, "XML 1.0 can hold it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::string_view service = kServices[input.byte() % kServices.size()];
  const auto soap_action = igd::parse_soap_action(input.until('\n'));
  const std::string_view body = input.rest();
  static_cast<void>(igd::parse_soap_request(body));
  if (!soap_action || body.size() > igd::kMaxSoapBody) return 0;
  const auto outcome = igd::control({.route = {2, service},
                                     .soap_action = *soap_action,
                                     .body = body,
                                     .caller = Ipv4Address::from_host_order(0xc0a84d0a),
                                     .lan = 1,
                                     .state = igd::test::connected()});
  if (const auto* const answer = std::get_if<igd::HttpAnswer>(&outcome)) return check(*answer), 0;
  const auto& call = std::get<igd::PendingCall>(outcome);
  check(igd::finish(call, Done{1}));
  check(igd::finish(call, Refused{1, UpnpError::ActionFailed}));
  check(igd::finish(call, LinkTotals{1, UINT64_MAX, 1, 2, 3}));
  return 0;
}
