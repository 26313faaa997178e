// How each type of field travels: put() writes it, Get<T>::from() reads it back through its
// parse(). Where parse() refuses, the reader is told and some valid value stands in; the codec
// throws the message away.
#pragma once

#include <chrono>
#include <type_traits>

#include "bytes.h"
#include "upnpd/messages.h"

namespace upnpd::wire {

// What parse() gave, or `stand_in` and an error.
template <class T>
T checked(Reader& reader, std::optional<T> value, T stand_in) {
  if (value) return *std::move(value);
  reader.fail(DecodeError::InvalidValue);
  return stand_in;
}

template <class T>
struct Get;

template <std::unsigned_integral T>
void put(Writer& w, T value) {
  w.number(value);
}
template <std::unsigned_integral T>
struct Get<T> {
  static T from(Reader& r) { return r.number<T>(); }
};

inline void put(Writer& w, bool value) {
  w.number(std::uint8_t{value});
}
template <>
struct Get<bool> {
  static bool from(Reader& r) {
    const auto value = r.number<std::uint8_t>();
    if (value > 1) r.fail(DecodeError::InvalidValue);
    return value == 1;
  }
};

inline void put(Writer& w, const std::string& text) {
  w.string(text);
}
template <>
struct Get<std::string> {
  static std::string from(Reader& r) { return r.string(); }
};

inline void put(Writer& w, BootTime time) {
  w.number(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}
template <>
struct Get<BootTime> {
  static BootTime from(Reader& r) {
    return BootTime(std::chrono::milliseconds(r.number<std::uint64_t>() & INT64_MAX));
  }
};

inline void put(Writer& w, Ipv4Address address) {
  w.number(address.host_order());
}
template <>
struct Get<Ipv4Address> {
  static Ipv4Address from(Reader& r) {
    return Ipv4Address::from_host_order(r.number<std::uint32_t>());
  }
};

inline void put(Writer& w, const Ipv4Network& network) {
  put(w, network.address());
  w.number(static_cast<std::uint8_t>(network.prefix_length()));
}
template <>
struct Get<Ipv4Network> {
  static Ipv4Network from(Reader& r) {
    const auto address = Get<Ipv4Address>::from(r);
    return checked(r, Ipv4Network::make(address, r.number<std::uint8_t>()),
                   *Ipv4Network::make(address, 32));
  }
};

inline void put(Writer& w, const Ipv6Address& address) {
  for (const std::uint8_t byte : address.bytes())
    w.number(byte);
}
template <>
struct Get<Ipv6Address> {
  static Ipv6Address from(Reader& r) {
    Ipv6Address::Bytes bytes{};
    for (std::uint8_t& byte : bytes)
      byte = r.number<std::uint8_t>();
    return Ipv6Address::from_bytes(bytes);
  }
};

inline void put(Writer& w, const Ipv6Network& network) {
  put(w, network.address());
  w.number(static_cast<std::uint8_t>(network.prefix_length()));
}
template <>
struct Get<Ipv6Network> {
  static Ipv6Network from(Reader& r) {
    const auto address = Get<Ipv6Address>::from(r);
    return checked(r, Ipv6Network::make(address, r.number<std::uint8_t>()),
                   *Ipv6Network::make(address, 128));
  }
};

// IpAddress and IpNetwork: the family, then the value.
template <class V4, class V6>
void put(Writer& w, const std::variant<V4, V6>& either) {
  w.number(static_cast<std::uint8_t>(either.index()));
  std::visit([&](const auto& value) { put(w, value); }, either);
}
template <class V4, class V6>
struct Get<std::variant<V4, V6>> {
  static std::variant<V4, V6> from(Reader& r) {
    const auto family = r.number<std::uint8_t>();
    if (family > 1) r.fail(DecodeError::InvalidValue);
    if (family == 1) return Get<V6>::from(r);
    return Get<V4>::from(r);
  }
};

inline void put(Writer& w, UniqueId id) {
  w.number(id.number());
}
template <>
struct Get<UniqueId> {
  static UniqueId from(Reader& r) {
    return checked(r, UniqueId::parse(r.number<std::uint16_t>()), *UniqueId::parse(1));
  }
};

inline void put(Writer& w, Protocol protocol) {
  w.number(static_cast<std::uint8_t>(protocol));
}
template <>
struct Get<Protocol> {
  static Protocol from(Reader& r) {
    return checked(r, parse_protocol(r.number<std::uint8_t>()), Protocol::TCP);
  }
};

template <class Tag>
void put(Writer& w, Port<Tag> port) {
  w.number(port.number());
}
template <class Tag>
struct Get<Port<Tag>> {
  static Port<Tag> from(Reader& r) {
    return checked(r, Port<Tag>::parse(r.number<std::uint16_t>()), *Port<Tag>::parse(1));
  }
};

inline void put(Writer& w, InternalClient client) {
  put(w, client.address());
}
template <>
struct Get<InternalClient> {
  static InternalClient from(Reader& r) {
    return checked(r, InternalClient::parse(Get<Ipv4Address>::from(r)),
                   *InternalClient::parse(Ipv4Address::from_host_order(0x0a000001)));
  }
};

inline void put(Writer& w, const PortMappingDescription& description) {
  w.string(description.text());
}
template <>
struct Get<PortMappingDescription> {
  static PortMappingDescription from(Reader& r) {
    return checked(r, PortMappingDescription::parse(r.string()),
                   *PortMappingDescription::parse(""));
  }
};

// Enumerations whose values are all there is between a first and a last one.
template <class E>
E get_enum(Reader& r, E first, E last) {
  const auto value = r.number<std::uint8_t>();
  if (value < std::uint8_t(first) || value > std::uint8_t(last)) {
    r.fail(DecodeError::InvalidValue);
    return first;
  }
  return E(value);
}

inline void put(Writer& w, ConnectionStatus status) {
  w.number(static_cast<std::uint8_t>(status));
}
template <>
struct Get<ConnectionStatus> {
  static ConnectionStatus from(Reader& r) {
    return get_enum(r, ConnectionStatus::Disconnected, ConnectionStatus::Connected);
  }
};

inline void put(Writer& w, IpFamily family) {
  w.number(static_cast<std::uint8_t>(family));
}
template <>
struct Get<IpFamily> {
  static IpFamily from(Reader& r) {
    const auto family = r.number<std::uint8_t>();
    if (family != 4 && family != 6) r.fail(DecodeError::InvalidValue);
    return family == 6 ? IpFamily::V6 : IpFamily::V4;
  }
};

inline void put(Writer& w, IgdVersion version) {
  w.number(static_cast<std::uint8_t>(version));
}
template <>
struct Get<IgdVersion> {
  static IgdVersion from(Reader& r) { return get_enum(r, IgdVersion::v1, IgdVersion::v2); }
};

inline void put(Writer& w, UpnpError error) {
  w.number(static_cast<std::uint16_t>(error));
}
template <>
struct Get<UpnpError> {
  static UpnpError from(Reader& r) {
    const auto code = r.number<std::uint16_t>();
    if (!is_upnp_error(code)) r.fail(DecodeError::InvalidValue);
    return is_upnp_error(code) ? UpnpError(code) : UpnpError::ActionFailed;
  }
};

template <class T>
void put(Writer& w, const std::optional<T>& value) {
  put(w, value.has_value());
  if (value) put(w, *value);
}
template <class T>
struct Get<std::optional<T>> {
  static std::optional<T> from(Reader& r) {
    if (!Get<bool>::from(r)) return std::nullopt;
    return Get<T>::from(r);
  }
};

inline void put(Writer& w, const RemoteHost& host) {
  put(w, host.address());
}
template <>
struct Get<RemoteHost> {
  static RemoteHost from(Reader& r) {
    const auto address = Get<std::optional<Ipv4Address>>::from(r);
    return address ? checked(r, RemoteHost::parse(*address), RemoteHost::any()) : RemoteHost::any();
  }
};

inline void put(Writer& w, const ProtocolArgument& argument) {
  w.number(static_cast<std::uint8_t>(argument.index()));
  if (const auto* protocol = std::get_if<Protocol>(&argument)) put(w, *protocol);
}
template <>
struct Get<ProtocolArgument> {
  static ProtocolArgument from(Reader& r) {
    switch (r.number<std::uint8_t>()) {
      case 0: return NoProtocol{};
      case 1: return Get<Protocol>::from(r);
      case 2: return UnknownProtocol{};
    }
    r.fail(DecodeError::InvalidValue);
    return NoProtocol{};
  }
};

// AddressArgument and Ipv6AddressArgument.
template <class Address>
void put(Writer& w, const std::variant<NoAddress, Address, MalformedAddress>& argument) {
  w.number(static_cast<std::uint8_t>(argument.index()));
  if (const auto* address = std::get_if<Address>(&argument)) put(w, *address);
}
template <class Address>
struct Get<std::variant<NoAddress, Address, MalformedAddress>> {
  static std::variant<NoAddress, Address, MalformedAddress> from(Reader& r) {
    switch (r.number<std::uint8_t>()) {
      case 0: return NoAddress{};
      case 1: return Get<Address>::from(r);
      case 2: return MalformedAddress{};
    }
    r.fail(DecodeError::InvalidValue);
    return NoAddress{};
  }
};

}  // namespace upnpd::wire
