// The protocol between the processes: one struct a message, named after what it carries. This
// header is the protocol; src/wire turns it into bytes and back, and builds every value again
// through its parse() on the way in, so that a receiver never holds an invalid one.
//
//   igd service <-> gateway <-> announcer (one per LAN), each pair over its own SOCK_SEQPACKET
//
// A message is one packet. Where one says "with fd", a file descriptor travels beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "upnpd/address.h"
#include "upnpd/error.h"
#include "upnpd/ip_address.h"
#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"
#include "upnpd/time.h"

namespace upnpd {

// ---- what every process needs to know of the router ----

// What the descriptions say of the device (UDA 1.1 section 2.3), from the configuration.
struct DeviceIdentity {
  std::string uuid;  // of the root device, without "uuid:"
  std::string
      path_token;  // the secret first segment of every URL path, so that none can be guessed
  std::string friendly_name;
  std::string manufacturer;
  std::string manufacturer_url;
  std::string model_name;
  std::string model_description;
  std::string model_number;
  std::string model_url;
  std::string serial_number;
  std::string presentation_url;  // "" = none
};

// Values of ConnectionStatus that upnpd ever reports (WANIPConnection:2 section 2.3.3).
enum class ConnectionStatus : std::uint8_t { Disconnected = 0, Connected = 1 };
std::string_view to_string(ConnectionStatus status);

// The WAN side of a LAN, as it is now.
struct WanState {
  LanIndex lan;
  ConnectionStatus status;
  std::optional<Ipv4Address> external_address;
  BootTime connected_since;           // meaningless while Disconnected
  std::uint32_t upstream_bit_rate;    // bits a second, Layer1UpstreamMaxBitRate
  std::uint32_t downstream_bit_rate;  // bits a second
  bool link_up;
  bool inbound_pinhole_allowed;  // InboundPinholeAllowed
};

// The evented state variables, as they are now. Sent at start and at each change, to announcers
// and to the service.
struct StateVariables {
  ConnectionStatus connection_status;
  std::optional<Ipv4Address> external_address;
  std::uint16_t port_mapping_number_of_entries;
  std::uint32_t system_update_id;
  bool link_up;
  bool inbound_pinhole_allowed;
};

// ---- gateway -> igd service ----

// Serve this LAN by one family of addresses. With fd: a listening TCP socket, bound to the
// interface, of which the gateway keeps a duplicate. Sent again whenever something of it changes;
// the fd then takes the place of the former one, which is to be closed and not shut down: it may be
// the same socket.
struct ServeLan {
  LanIndex lan;
  std::string interface;
  IpFamily family;
  std::vector<IpNetwork> addresses;  // the router's own there, and the networks' prefixes
  std::uint16_t http_port;
  std::uint16_t event_port;                        // of this LAN's announcer; 0 while there is none
  std::vector<Ipv4Network> further_networks = {};  // whose hosts may ask too
};

struct LeaveLan {
  LanIndex lan;
  IpFamily family;
};

// ---- igd service -> gateway ----

// ServeLan has been carried out: the descriptions of this LAN can be fetched, with this event port.
struct LanServed {
  LanIndex lan;
  IpFamily family;
  std::uint16_t event_port;
};

// By which rules a caller is answered: the version in the URN of its SOAPACTION.
enum class IgdVersion : std::uint8_t { v1 = 1, v2 = 2 };

// The head of each request. `id` is the service's own, repeated in the one reply.
struct RequestHead {
  std::uint64_t id;
  LanIndex lan;
  IpAddress caller;
  IgdVersion version;
};

// An address argument as the client wrote it: the gateway decides on all of these in one place,
// in the order of WANIPConnection:2's error rules.
struct NoAddress {};         // empty, or one of the wildcards clients send
struct MalformedAddress {};  // not an IPv4 literal
using AddressArgument = std::variant<NoAddress, Ipv4Address, MalformedAddress>;

// Protocol as the client wrote it.
struct NoProtocol {};       // empty
struct UnknownProtocol {};  // neither TCP nor UDP
using ProtocolArgument = std::variant<NoProtocol, Protocol, UnknownProtocol>;

// The arguments of AddPortMapping and AddAnyPortMapping, still to be judged. Ports are ui2 (0 is
// possible), `description` has no value when it was too long.
struct PortMappingArguments {
  AddressArgument remote_host;
  std::uint16_t external_port;
  ProtocolArgument protocol;
  std::uint16_t internal_port;
  AddressArgument internal_client;
  bool enabled;
  std::optional<PortMappingDescription> description;
  std::uint32_t lease_duration;
};

struct AddPortMapping {
  RequestHead head;
  PortMappingArguments arguments;
};

struct AddAnyPortMapping {
  RequestHead head;
  PortMappingArguments arguments;
};

struct DeletePortMapping {
  RequestHead head;
  AddressArgument remote_host;
  std::uint16_t external_port;
  ProtocolArgument protocol;
};

struct GetSpecificPortMappingEntry {
  RequestHead head;
  AddressArgument remote_host;
  std::uint16_t external_port;
  ProtocolArgument protocol;
};

// Who walks through the entries will ask for those behind this one: so many of them are to come
// along, as far as they fit. Each list of them is good until EntriesChanged.
struct GetGenericPortMappingEntry {
  RequestHead head;
  std::uint16_t index;
  std::uint16_t following = 0;
};

// The ports that DeletePortMappingRange and GetListOfPortMappings name, both ends included.
// NewManage is not carried: without authentication nobody may manage what is another's.
struct PortMappingRange {
  std::uint16_t start_port;
  std::uint16_t end_port;
  ProtocolArgument protocol;
};

struct DeletePortMappingRange {
  RequestHead head;
  PortMappingRange range;
};

// A list may be long: each request is answered with as many entries as a message holds, and the
// next one asks for those behind the last of them.
struct GetListOfPortMappings {
  RequestHead head;
  PortMappingRange range;
  std::uint16_t number_of_ports;        // 0 = all
  std::optional<PortMappingKey> after;  // the last entry of the part before
};

// GetTotalBytesSent and its three sisters: the gateway reads the link's counters.
struct GetLinkTotals {
  RequestHead head;
};

// The arguments of AddPinhole, still to be judged. Both ports may be 0, `protocol` is a ui2.
using Ipv6AddressArgument = std::variant<NoAddress, Ipv6Address, MalformedAddress>;
struct PinholeArguments {
  Ipv6AddressArgument remote_host;
  std::uint16_t remote_port;
  Ipv6AddressArgument internal_client;
  std::uint16_t internal_port;
  std::uint16_t protocol;
  std::uint32_t lease_time;
};

struct AddPinhole {
  RequestHead head;
  PinholeArguments arguments;
};

struct UpdatePinhole {
  RequestHead head;
  std::uint16_t unique_id;
  std::uint32_t new_lease_time;
};

struct DeletePinhole {
  RequestHead head;
  std::uint16_t unique_id;
};

struct GetPinholePackets {
  RequestHead head;
  std::uint16_t unique_id;
};

struct CheckPinholeWorking {
  RequestHead head;
  std::uint16_t unique_id;
};

// How long a way lasts that a LAN host opens by sending, in the router's connection tracking.
struct GetOutboundPinholeTimeout {
  RequestHead head;
  std::uint16_t protocol;
};

using ServiceRequest =
    std::variant<AddPortMapping, AddAnyPortMapping, DeletePortMapping, GetSpecificPortMappingEntry,
                 GetGenericPortMappingEntry, DeletePortMappingRange, GetListOfPortMappings,
                 GetLinkTotals, AddPinhole, UpdatePinhole, DeletePinhole, GetPinholePackets,
                 CheckPinholeWorking, GetOutboundPinholeTimeout>;

// The head that every request has.
inline const RequestHead& head_of(const ServiceRequest& request) {
  return std::visit([](const auto& r) -> const RequestHead& { return r.head; }, request);
}

// ---- gateway -> igd service: the reply to each request ----

struct Done {
  std::uint64_t id;
};

struct Refused {
  std::uint64_t id;
  UpnpError error;
};

// AddAnyPortMapping's answer.
struct Reserved {
  std::uint64_t id;
  ExternalPort port;
};

// GetSpecific...'s and GetGenericPortMappingEntry's answer; the latter's is an EntryList where it
// was to bring `following` along.
struct Entry {
  std::uint64_t id;
  PortMappingKey key;
  InternalClient client;
  InternalPort internal_port;
  bool enabled;
  PortMappingDescription description;
  std::uint32_t lease_duration;  // remaining seconds, 0 = permanent
};

// GetListOfPortMappings's answer, or a part of it, in the order of ports; or entries by their
// index.
struct EntryList {
  // What the entries of one message count together, each kEntryBytes and its description.
  static constexpr std::size_t kMaxBytes = 15 * 1024;
  static constexpr std::size_t kEntryBytes = 40;
  std::uint64_t id;
  std::vector<Entry> entries;  // each with the same id
  bool is_last;                // of what was asked for, none is missing
};

// The entries that `following` brought along are not true any more. Sent before the reply to the
// request that changed one.
struct EntriesChanged {};

// 64-bit counters of the WAN link; SOAP's ui4 are their low halves.
struct LinkTotals {
  std::uint64_t id;
  std::uint64_t bytes_sent;
  std::uint64_t bytes_received;
  std::uint64_t packets_sent;
  std::uint64_t packets_received;
};

// AddPinhole's answer.
struct PinholeAdded {
  std::uint64_t id;
  UniqueId unique_id;
};

// GetPinholePackets' answer.
struct PinholePackets {
  std::uint64_t id;
  std::uint32_t packets;
};

// CheckPinholeWorking's answer, when packets have come.
struct PinholeWorks {
  std::uint64_t id;
};

struct OutboundPinholeTimeout {
  std::uint64_t id;
  std::uint32_t seconds;
};

using Reply = std::variant<Done, Refused, Reserved, Entry, EntryList, LinkTotals, PinholeAdded,
                           PinholePackets, PinholeWorks, OutboundPinholeTimeout>;

// ---- gateway -> announcer ----

// The first message. With fd: a UDP socket on port 1900, bound to the interface, a member of
// 239.255.255.250 there, for the searches.
struct AnnounceLan {
  LanIndex lan;
  std::string interface;
  Ipv4Network address;
  std::uint16_t http_port;
  std::uint16_t preferred_event_port;  // 0 = any
  std::uint32_t notify_interval;       // seconds between repeated announcements
  std::string uuid;
  std::string path_token;
  std::uint32_t description_hash;                  // see upnpd/config_id.h
  std::vector<Ipv4Network> further_networks = {};  // whose hosts may ask too
};

// Announce the LAN and answer searches over IPv6 too: the descriptions can be fetched so. With fd:
// a UDP socket on port 1900, bound to the interface, a member of FF02::C and FF05::C there. Sent
// before StartAnnouncing where there is IPv6 by then, and again at each change, with a new socket
// in the former one's place. Without addresses, and without fd: IPv6 has gone.
struct AnnounceLanIpv6 {
  std::vector<IpNetwork> addresses;  // the router's own there
  std::uint16_t http_port;
};

// The descriptions can be fetched now: register them, announce, answer searches.
struct StartAnnouncing {};

// Say byebye and exit.
struct StopAnnouncing {};

// ---- announcer -> gateway ----

// libupnp listens for subscriptions on this port of the LAN address.
struct AnnouncerReady {
  std::uint16_t event_port;
};

// ---- both directions, every child ----

// The gateway asks whether the child's loop still turns; the child returns it.
struct Ping {
  std::uint32_t number;
};
struct Pong {
  std::uint32_t number;
};

using ToService =
    std::variant<DeviceIdentity, WanState, StateVariables, ServeLan, LeaveLan, Done, Refused,
                 Reserved, Entry, EntryList, EntriesChanged, LinkTotals, PinholeAdded,
                 PinholePackets, PinholeWorks, OutboundPinholeTimeout, Ping>;
using FromService =
    std::variant<LanServed, AddPortMapping, AddAnyPortMapping, DeletePortMapping,
                 GetSpecificPortMappingEntry, GetGenericPortMappingEntry, DeletePortMappingRange,
                 GetListOfPortMappings, GetLinkTotals, AddPinhole, UpdatePinhole, DeletePinhole,
                 GetPinholePackets, CheckPinholeWorking, GetOutboundPinholeTimeout, Pong>;
using ToAnnouncer = std::variant<AnnounceLan, AnnounceLanIpv6, StartAnnouncing, StopAnnouncing,
                                 StateVariables, Ping>;
using FromAnnouncer = std::variant<AnnouncerReady, Pong>;

}  // namespace upnpd
