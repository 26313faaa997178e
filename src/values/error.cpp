#include "upnpd/error.h"

#include <algorithm>
#include <array>
#include <utility>

namespace upnpd {
namespace {

using enum UpnpError;
constexpr std::array<std::pair<UpnpError, std::string_view>, 34> kNames{{
    {InvalidAction, "Invalid Action"},
    {InvalidArgs, "Invalid Args"},
    {InvalidVar, "Invalid Var"},
    {ActionFailed, "Action Failed"},
    {ArgumentValueInvalid, "Argument Value Invalid"},
    {ArgumentValueOutOfRange, "Argument Value Out of Range"},
    {OptionalActionNotImplemented, "Optional Action Not Implemented"},
    {StringArgumentTooLong, "String Argument Too Long"},
    {ActionNotAuthorized, "Action not authorized"},
    {ConnectionSetupFailed, "ConnectionSetupFailed"},
    {SpecifiedArrayIndexInvalid, "SpecifiedArrayIndexInvalid"},
    {NoSuchEntryInArray, "NoSuchEntryInArray"},
    {WildCardNotPermittedInSrcIP, "WildCardNotPermittedInSrcIP"},
    {WildCardNotPermittedInExtPort, "WildCardNotPermittedInExtPort"},
    {ConflictInMappingEntry, "ConflictInMappingEntry"},
    {InvalidDeviceUUID, "InvalidDeviceUUID"},
    {InvalidServiceID, "InvalidServiceID"},
    {InvalidConnServiceSelection, "InvalidConnServiceSelection"},
    {OnlyPermanentLeasesSupported, "OnlyPermanentLeasesSupported"},
    {NoPortMapsAvailable, "NoPortMapsAvailable"},
    {ConflictWithOtherMechanisms, "ConflictWithOtherMechanisms"},
    {PortMappingNotFound, "PortMappingNotFound"},
    {ReadOnly, "ReadOnly"},
    {WildCardNotPermittedInIntPort, "WildCardNotPermittedInIntPort"},
    {InconsistentParameters, "InconsistentParameters"},
    {PinholeSpaceExhausted, "PinholeSpaceExhausted"},
    {FirewallDisabled, "FirewallDisabled"},
    {InboundPinholeNotAllowed, "InboundPinholeNotAllowed"},
    {NoSuchEntry, "NoSuchEntry"},
    {ProtocolNotSupported, "ProtocolNotSupported"},
    {InternalPortWildcardingNotAllowed, "InternalPortWildcardingNotAllowed"},
    {ProtocolWildcardingNotAllowed, "ProtocolWildcardingNotAllowed"},
    {WildCardNotPermittedInInternalClient, "WildCardNotPermittedInSrcIP"},
    {NoTrafficReceived, "NoTrafficReceived"},
}};

const auto* find(std::uint16_t value) {
  const auto* const found = std::ranges::find_if(
      kNames, [value](const auto& entry) { return std::to_underlying(entry.first) == value; });
  return found == kNames.end() ? nullptr : found;
}

}  // namespace

std::string_view to_string(UpnpError error) {
  const auto* const entry = find(std::to_underlying(error));
  return entry == nullptr ? "Action Failed" : entry->second;
}

bool is_upnp_error(std::uint16_t value) {
  return find(value) != nullptr;
}

}  // namespace upnpd
