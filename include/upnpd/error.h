// The error codes of the UPnP services, spelt as in their standards: UPnP Device Architecture 1.1
// table 3-3 (401-602), WANIPConnection:2 section 2.5 (606-733; 724-727 are WANIPConnection:1's),
// WANIPv6FirewallControl:1 section 2.4. That one gives numbers a meaning of its own which
// WANIPConnection has given another: its enumerators stand a thousand above their code.
#pragma once

#include <cstdint>
#include <string_view>

namespace upnpd {

enum class UpnpError : std::uint16_t {
  InvalidAction = 401,
  InvalidArgs = 402,
  InvalidVar = 404,
  ActionFailed = 501,
  ArgumentValueInvalid = 600,
  ArgumentValueOutOfRange = 601,
  OptionalActionNotImplemented = 602,
  StringArgumentTooLong = 605,
  ActionNotAuthorized = 606,
  ConnectionSetupFailed = 704,
  SpecifiedArrayIndexInvalid = 713,
  NoSuchEntryInArray = 714,
  WildCardNotPermittedInSrcIP = 715,
  WildCardNotPermittedInExtPort = 716,
  ConflictInMappingEntry = 718,
  InvalidDeviceUUID = 720,
  InvalidServiceID = 721,
  InvalidConnServiceSelection = 723,
  OnlyPermanentLeasesSupported = 725,
  NoPortMapsAvailable = 728,
  ConflictWithOtherMechanisms = 729,
  PortMappingNotFound = 730,
  ReadOnly = 731,
  WildCardNotPermittedInIntPort = 732,
  InconsistentParameters = 733,
  PinholeSpaceExhausted = 1701,
  FirewallDisabled = 1702,
  InboundPinholeNotAllowed = 1703,
  NoSuchEntry = 1704,
  ProtocolNotSupported = 1705,
  InternalPortWildcardingNotAllowed = 1706,
  ProtocolWildcardingNotAllowed = 1707,
  WildCardNotPermittedInInternalClient = 1708,
  NoTrafficReceived = 1709,
};

// The number a SOAP fault carries as its errorCode.
constexpr std::uint16_t code_of(UpnpError error) {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(error) % 1000);
}

// The standard's name of `error`, as a SOAP fault's errorDescription carries it.
std::string_view to_string(UpnpError error);

// Whether `value` is one of the enumerators: what crosses a process boundary is checked by this.
bool is_upnp_error(std::uint16_t value);

}  // namespace upnpd
