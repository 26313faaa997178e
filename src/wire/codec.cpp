#include "codec.h"

#include <cstdlib>
#include <tuple>
#include <type_traits>

#include "values.h"

namespace upnpd::wire {
namespace {

// The fields of each struct, in the order they travel. A message has a number beside; numbers are
// not used twice, also not in different directions.
template <class T>
struct Layout;

#define UPNPD_FIELDS(Type, ...)                             \
  template <>                                               \
  struct Layout<Type> {                                     \
    using T = Type;                                         \
    static constexpr auto fields = std::tuple{__VA_ARGS__}; \
  }
#define UPNPD_MESSAGE(Type, Number, ...)                    \
  template <>                                               \
  struct Layout<Type> {                                     \
    using T = Type;                                         \
    static constexpr std::uint8_t number = Number;          \
    static constexpr auto fields = std::tuple{__VA_ARGS__}; \
  }

UPNPD_FIELDS(PortMappingKey, &T::remote_host, &T::external_port, &T::protocol);
UPNPD_FIELDS(PortMappingRange, &T::start_port, &T::end_port, &T::protocol);
UPNPD_FIELDS(RequestHead, &T::id, &T::lan, &T::caller, &T::version);
UPNPD_FIELDS(PortMappingArguments, &T::remote_host, &T::external_port, &T::protocol,
             &T::internal_port, &T::internal_client, &T::enabled, &T::description,
             &T::lease_duration);
UPNPD_FIELDS(PinholeArguments, &T::remote_host, &T::remote_port, &T::internal_client,
             &T::internal_port, &T::protocol, &T::lease_time);

UPNPD_MESSAGE(DeviceIdentity, 1, &T::uuid, &T::path_token, &T::friendly_name, &T::manufacturer,
              &T::manufacturer_url, &T::model_name, &T::model_description, &T::model_number,
              &T::model_url, &T::serial_number, &T::presentation_url);
UPNPD_MESSAGE(WanState, 2, &T::lan, &T::status, &T::external_address, &T::connected_since,
              &T::upstream_bit_rate, &T::downstream_bit_rate, &T::link_up,
              &T::inbound_pinhole_allowed);
UPNPD_MESSAGE(ServeLan, 3, &T::lan, &T::interface, &T::family, &T::addresses, &T::http_port,
              &T::event_port, &T::further_networks);
UPNPD_MESSAGE(LeaveLan, 4, &T::lan, &T::family);
UPNPD_MESSAGE(LanServed, 5, &T::lan, &T::family, &T::event_port);

UPNPD_MESSAGE(AddPortMapping, 10, &T::head, &T::arguments);
UPNPD_MESSAGE(AddAnyPortMapping, 11, &T::head, &T::arguments);
UPNPD_MESSAGE(DeletePortMapping, 12, &T::head, &T::remote_host, &T::external_port, &T::protocol);
UPNPD_MESSAGE(GetSpecificPortMappingEntry, 13, &T::head, &T::remote_host, &T::external_port,
              &T::protocol);
UPNPD_MESSAGE(GetGenericPortMappingEntry, 14, &T::head, &T::index, &T::following);
UPNPD_MESSAGE(GetLinkTotals, 15, &T::head);
UPNPD_MESSAGE(DeletePortMappingRange, 16, &T::head, &T::range);
UPNPD_MESSAGE(GetListOfPortMappings, 17, &T::head, &T::range, &T::number_of_ports, &T::after);

UPNPD_MESSAGE(Done, 30, &T::id);
UPNPD_MESSAGE(Refused, 31, &T::id, &T::error);
UPNPD_MESSAGE(Reserved, 32, &T::id, &T::port);
UPNPD_MESSAGE(Entry, 33, &T::id, &T::key, &T::client, &T::internal_port, &T::enabled,
              &T::description, &T::lease_duration);
UPNPD_MESSAGE(LinkTotals, 34, &T::id, &T::bytes_sent, &T::bytes_received, &T::packets_sent,
              &T::packets_received);
UPNPD_MESSAGE(EntryList, 35, &T::id, &T::entries, &T::is_last);
UPNPD_MESSAGE(EntriesChanged, 36);

UPNPD_MESSAGE(AddPinhole, 70, &T::head, &T::arguments);
UPNPD_MESSAGE(UpdatePinhole, 71, &T::head, &T::unique_id, &T::new_lease_time);
UPNPD_MESSAGE(DeletePinhole, 72, &T::head, &T::unique_id);
UPNPD_MESSAGE(GetPinholePackets, 73, &T::head, &T::unique_id);
UPNPD_MESSAGE(CheckPinholeWorking, 74, &T::head, &T::unique_id);
UPNPD_MESSAGE(GetOutboundPinholeTimeout, 75, &T::head, &T::protocol);
UPNPD_MESSAGE(PinholeAdded, 80, &T::id, &T::unique_id);
UPNPD_MESSAGE(PinholePackets, 81, &T::id, &T::packets);
UPNPD_MESSAGE(PinholeWorks, 82, &T::id);
UPNPD_MESSAGE(OutboundPinholeTimeout, 83, &T::id, &T::seconds);

UPNPD_MESSAGE(AnnounceLan, 50, &T::lan, &T::interface, &T::address, &T::http_port,
              &T::preferred_event_port, &T::notify_interval, &T::uuid, &T::path_token,
              &T::description_hash, &T::further_networks);
UPNPD_MESSAGE(AnnounceLanIpv6, 55, &T::addresses, &T::http_port);
UPNPD_MESSAGE(StartAnnouncing, 51);
UPNPD_MESSAGE(StopAnnouncing, 52);
UPNPD_MESSAGE(StateVariables, 53, &T::connection_status, &T::external_address,
              &T::port_mapping_number_of_entries, &T::system_update_id, &T::link_up,
              &T::inbound_pinhole_allowed);
UPNPD_MESSAGE(AnnouncerReady, 54, &T::event_port);

UPNPD_MESSAGE(Ping, 60, &T::number);
UPNPD_MESSAGE(Pong, 61, &T::number);

#undef UPNPD_FIELDS
#undef UPNPD_MESSAGE

template <class T>
concept Struct = requires {
  Layout<T>::fields;
};

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;

template <class T>
inline constexpr bool kIsOptionalStruct = false;
template <Struct T>
inline constexpr bool kIsOptionalStruct<std::optional<T>> = true;

template <Struct T>
void put_fields(Writer& writer, const T& value);

// A list travels as the number of its elements (16 bits), then they.
template <class T>
void put_any(Writer& writer, const T& value) {
  if constexpr (Struct<T>) {
    put_fields(writer, value);
  } else if constexpr (kIsList<T>) {
    writer.number(static_cast<std::uint16_t>(value.size()));
    for (const auto& element : value)
      put_any(writer, element);
  } else if constexpr (kIsOptionalStruct<T>) {
    put(writer, value.has_value());
    if (value) put_any(writer, *value);
  } else {
    put(writer, value);
  }
}

template <Struct T>
void put_fields(Writer& writer, const T& value) {
  std::apply([&](auto... field) { (put_any(writer, value.*field), ...); }, Layout<T>::fields);
}

template <Struct T>
T get_fields(Reader& reader);

template <class T>
T get_any(Reader& reader) {
  if constexpr (Struct<T>) {
    return get_fields<T>(reader);
  } else if constexpr (kIsList<T>) {
    T list;
    // A reader that has run out gives no more: a list is never longer than its frame.
    for (auto left = reader.number<std::uint16_t>(); left > 0 && !reader.has_failed(); --left)
      list.push_back(get_any<typename T::value_type>(reader));
    return list;
  } else if constexpr (kIsOptionalStruct<T>) {
    if (!Get<bool>::from(reader)) return std::nullopt;
    return get_any<typename T::value_type>(reader);
  } else {
    return Get<T>::from(reader);
  }
}

template <Struct T>
T get_fields(Reader& reader) {
  // Braces evaluate left to right: the fields are read in their order.
  return std::apply(
      [&](auto... field) {
        return T{get_any<std::remove_cvref_t<decltype(std::declval<T>().*field)>>(reader)...};
      },
      Layout<T>::fields);
}

template <class Messages, std::size_t I = 0>
std::optional<Messages> read_as(std::uint8_t number, Reader& reader) {
  if constexpr (I == std::variant_size_v<Messages>) {
    return std::nullopt;
  } else {
    using Message = std::variant_alternative_t<I, Messages>;
    if (Layout<Message>::number == number) return get_fields<Message>(reader);
    return read_as<Messages, I + 1>(number, reader);
  }
}

}  // namespace

const char* to_string(DecodeError error) {
  switch (error) {
    case DecodeError::UnknownMessage: return "unknown message";
    case DecodeError::WrongLength: return "wrong length";
    case DecodeError::InvalidValue: return "invalid value";
  }
  return "";
}

template <class Message>
std::vector<std::byte> encode(const Message& message) {
  Writer writer;
  writer.number(Layout<Message>::number);
  put_fields(writer, message);
  return writer.take();
}

template <class Messages>
std::expected<Messages, DecodeError> decode(std::span<const std::byte> frame) {
  Reader reader(frame);
  const auto number = reader.number<std::uint8_t>();
  auto message = read_as<Messages>(number, reader);
  if (!message)
    return std::unexpected(frame.empty() ? DecodeError::WrongLength : DecodeError::UnknownMessage);
  if (const auto error = reader.error()) return std::unexpected(*error);
  return *std::move(message);
}

template std::vector<std::byte> encode(const DeviceIdentity&);
template std::vector<std::byte> encode(const WanState&);
template std::vector<std::byte> encode(const ServeLan&);
template std::vector<std::byte> encode(const LeaveLan&);
template std::vector<std::byte> encode(const LanServed&);
template std::vector<std::byte> encode(const AddPortMapping&);
template std::vector<std::byte> encode(const AddAnyPortMapping&);
template std::vector<std::byte> encode(const DeletePortMapping&);
template std::vector<std::byte> encode(const GetSpecificPortMappingEntry&);
template std::vector<std::byte> encode(const GetGenericPortMappingEntry&);
template std::vector<std::byte> encode(const GetLinkTotals&);
template std::vector<std::byte> encode(const DeletePortMappingRange&);
template std::vector<std::byte> encode(const GetListOfPortMappings&);
template std::vector<std::byte> encode(const Done&);
template std::vector<std::byte> encode(const Refused&);
template std::vector<std::byte> encode(const Reserved&);
template std::vector<std::byte> encode(const Entry&);
template std::vector<std::byte> encode(const EntryList&);
template std::vector<std::byte> encode(const EntriesChanged&);
template std::vector<std::byte> encode(const LinkTotals&);
template std::vector<std::byte> encode(const AddPinhole&);
template std::vector<std::byte> encode(const UpdatePinhole&);
template std::vector<std::byte> encode(const DeletePinhole&);
template std::vector<std::byte> encode(const GetPinholePackets&);
template std::vector<std::byte> encode(const CheckPinholeWorking&);
template std::vector<std::byte> encode(const GetOutboundPinholeTimeout&);
template std::vector<std::byte> encode(const PinholeAdded&);
template std::vector<std::byte> encode(const PinholePackets&);
template std::vector<std::byte> encode(const PinholeWorks&);
template std::vector<std::byte> encode(const OutboundPinholeTimeout&);
template std::vector<std::byte> encode(const AnnounceLan&);
template std::vector<std::byte> encode(const AnnounceLanIpv6&);
template std::vector<std::byte> encode(const StateVariables&);
template std::vector<std::byte> encode(const AnnouncerReady&);
template std::vector<std::byte> encode(const Ping&);
template std::vector<std::byte> encode(const Pong&);
template std::vector<std::byte> encode(const StartAnnouncing&);
template std::vector<std::byte> encode(const StopAnnouncing&);
template std::expected<ToService, DecodeError> decode(std::span<const std::byte>);
template std::expected<FromService, DecodeError> decode(std::span<const std::byte>);
template std::expected<ToAnnouncer, DecodeError> decode(std::span<const std::byte>);
template std::expected<FromAnnouncer, DecodeError> decode(std::span<const std::byte>);

}  // namespace upnpd::wire
