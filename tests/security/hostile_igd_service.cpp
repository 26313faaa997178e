// An igd service that an attacker has taken over: in the place of the real one, in its sandbox, it
// asks the gateway for everything, in everybody's name.
#include <unistd.h>

#include "hostile.h"
#include "igd_service.h"

namespace upnpd::igd {
namespace {

using test::Hostile;

RequestHead any_head(Hostile& h) {
  const IpAddress caller =
      h.below(8) == 0 ? IpAddress(*Ipv6Address::parse("2001:db8:77::10")) : h.any_address();
  return {h.below(1000), static_cast<LanIndex>(h.below(4)), caller,
          h.below(2) == 0 ? IgdVersion::v1 : IgdVersion::v2};
}

AddressArgument any_argument(Hostile& h) {
  if (h.below(4) != 0) return NoAddress{};
  if (h.below(8) == 0) return MalformedAddress{};
  return h.any_address();
}

ProtocolArgument any_protocol(Hostile& h) {
  if (h.below(8) == 0) return NoProtocol{};
  if (h.below(8) == 0) return UnknownProtocol{};
  return h.below(2) == 0 ? Protocol::TCP : Protocol::UDP;
}

PortMappingArguments any_arguments(Hostile& h) {
  constexpr const char* kTexts[] = {"", "x", "\x1b[2J\n", "\" } delete table inet upnpd"};
  return {any_argument(h),
          h.any_port(),
          any_protocol(h),
          h.any_port(),
          any_argument(h),
          h.below(2) == 0,
          PortMappingDescription::parse(kTexts[h.below(4)]),
          h.below(2) == 0 ? h.below(5) : 604800};
}

Ipv6AddressArgument any_ipv6_argument(Hostile& h) {
  if (h.below(3) == 0) return NoAddress{};
  if (h.below(8) == 0) return MalformedAddress{};
  constexpr const char* kAddresses[] = {"2001:db8:77::10", "2001:db8:77::1", "fe80::1", "::1",
                                        "ff02::1"};
  return *Ipv6Address::parse(kAddresses[h.below(5)]);
}

std::vector<std::byte> any_frame(Hostile& h) {
  const RequestHead head = any_head(h);
  const PortMappingRange range{h.any_port(), h.any_port(), any_protocol(h)};
  const auto id = static_cast<std::uint16_t>(h.below(20));
  switch (h.below(40)) {
    case 0:
      return wire::encode(LanServed{static_cast<LanIndex>(h.below(4)),
                                    h.below(2) == 0 ? IpFamily::V4 : IpFamily::V6, h.any_port()});
    case 1: return wire::encode(AddAnyPortMapping{head, any_arguments(h)});
    case 2:
      return wire::encode(DeletePortMapping{head, any_argument(h), h.any_port(), any_protocol(h)});
    case 3:
      return wire::encode(
          GetSpecificPortMappingEntry{head, any_argument(h), h.any_port(), any_protocol(h)});
    case 4: return wire::encode(GetGenericPortMappingEntry{head, h.any_port()});
    case 5: return wire::encode(DeletePortMappingRange{head, range});
    case 6: return wire::encode(GetListOfPortMappings{head, range, h.any_port(), std::nullopt});
    case 7: return wire::encode(GetLinkTotals{head});
    case 8:
      return wire::encode(AddPinhole{head,
                                     {any_ipv6_argument(h), h.any_port(), any_ipv6_argument(h),
                                      h.any_port(), h.any_port(), h.below(90000)}});
    case 9: return wire::encode(UpdatePinhole{head, id, h.below(90000)});
    case 10: return wire::encode(DeletePinhole{head, id});
    case 11: return wire::encode(GetPinholePackets{head, id});
    case 12: return wire::encode(CheckPinholeWorking{head, id});
    case 13: return wire::encode(GetOutboundPinholeTimeout{head, h.any_port()});
    case 14: return wire::encode(Pong{h.below(1000)});
    default: return wire::encode(AddPortMapping{head, any_arguments(h)});
  }
}

}  // namespace

int run_igd_service(base::Fd channel) {
  Hostile hostile(std::move(channel));
  // One bad frame ends us: so sometimes a long life of good ones, sometimes a short one.
  const bool is_patient = hostile.below(2) == 0;
  for (unsigned sent = 0; hostile.drain(); ++sent) {
    const bool misbehaves = sent > 50 && !is_patient && hostile.below(200) == 0;
    if (!hostile.send(any_frame(hostile),
                      misbehaves ? hostile.any_manner() : Hostile::Manner::Good))
      break;
    if (sent % 256 == 0) hostile.wait();
    if (is_patient && sent == 20'000) ::_exit(static_cast<int>(hostile.below(3)));
  }
  return 1;
}

}  // namespace upnpd::igd
