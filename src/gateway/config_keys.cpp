#include "config_keys.h"

#include <net/if.h>

#include <algorithm>
#include <array>

#include "words.h"

namespace upnpd::gateway {
namespace {

using Result = std::expected<KeyEffect, std::string>;
using Setter = Result (*)(Config&, std::string_view);

struct Key {
  std::string_view name;
  Setter set;
};

template <auto Field>
Result set_switch(Config& config, std::string_view value) {
  const auto read = read_switch(value);
  if (!read) return std::unexpected("must be yes or no, not '" + std::string(value) + "'");
  config.*Field = *read;
  return KeyEffect::Applied;
}

// `field` picks the number out of the configuration.
template <class Field>
Result set_number(Config& config, std::string_view value, std::uint32_t largest, Field field) {
  const auto read = read_number(value, largest);
  if (!read)
    return std::unexpected("must be a number from 0 to " + std::to_string(largest) + ", not '" +
                           std::string(value) + "'");
  field(config, *read);
  return KeyEffect::Applied;
}

template <auto Field>
Result set_number_field(Config& config, std::string_view value) {
  using Number = std::remove_reference_t<decltype(config.*Field)>;
  return set_number(config, value, std::numeric_limits<Number>::max(),
                    [](Config& c, std::uint32_t n) { c.*Field = static_cast<Number>(n); });
}

template <auto Limit>
Result set_limit(Config& config, std::string_view value) {
  return set_number(config, value, UINT32_MAX,
                    [](Config& c, std::uint32_t n) { c.policy.limits.*Limit = n; });
}

template <auto Field>
Result set_text(Config& config, std::string_view value) {
  constexpr std::size_t kMaxText = 256;
  const auto clean = PortMappingDescription::parse(value);
  if (!clean || clean->text().size() > kMaxText || clean->text() != value)
    return std::unexpected("must be at most 256 bytes of UTF-8 without control characters");
  config.*Field = clean->text();
  return KeyEffect::Applied;
}

template <auto Field>
Result set_path(Config& config, std::string_view value) {
  if (value.empty() || value.front() != '/')
    return std::unexpected("must be an absolute path, not '" + std::string(value) + "'");
  config.*Field = std::string(value);
  return KeyEffect::Applied;
}

bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() < IFNAMSIZ &&
         name.find_first_of("/ \t:") == std::string_view::npos && name != "." && name != "..";
}

Result set_http_port(Config& config, std::string_view value) {
  const auto port = read_number(value, 65535);
  // The sockets are opened after the right to the low ports is given up.
  if (!port || (*port != 0 && *port < 1024))
    return std::unexpected("must be 0 (any free port) or a port from 1024 to 65535, not '" +
                           std::string(value) + "'");
  config.http_port = static_cast<std::uint16_t>(*port);
  return KeyEffect::Applied;
}

Result add_wan(Config& config, std::string_view value) {
  if (!is_interface_name(value))
    return std::unexpected("'" + std::string(value) + "' cannot be an interface's name");
  if (std::ranges::find(config.wans, value) != config.wans.end())
    return std::unexpected("'" + std::string(value) + "' is listed twice");
  config.wans.emplace_back(value);
  return KeyEffect::Applied;
}

Result set_ipv6_wan(Config& config, std::string_view value) {
  if (!is_interface_name(value))
    return std::unexpected("'" + std::string(value) + "' cannot be an interface's name");
  config.wan6 = std::string(value);
  return KeyEffect::Applied;
}

Result add_lan(Config& config, std::string_view value) {
  if (!is_interface_name(value) && !Ipv4Network::parse(value))
    return std::unexpected("must be an interface's name or one of its addresses, not '" +
                           std::string(value) + "'");
  if (std::ranges::find(config.lans, value) != config.lans.end())
    return std::unexpected("'" + std::string(value) + "' is listed twice");
  config.lans.emplace_back(value);
  return KeyEffect::Applied;
}

// "LAN WHAT": the two words of a line about one LAN.
std::optional<std::pair<std::string, std::string>> about_lan(std::string_view value) {
  const auto gap = value.find_first_of(" \t");
  if (gap == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(value.substr(0, gap)), std::string(trim(value.substr(gap))));
}

Result set_lan_wan(Config& config, std::string_view value) {
  const auto line = about_lan(value);
  if (!line || !is_interface_name(line->second))
    return std::unexpected("must be a LAN and its WAN, as in 'br-guest wan2', not '" +
                           std::string(value) + "'");
  if (!config.lan_wans.insert(*line).second)
    return std::unexpected("'" + line->first + "' has a WAN already");
  return KeyEffect::Applied;
}

Result add_lan_prefix(Config& config, std::string_view value) {
  const auto line = about_lan(value);
  const auto prefix = line ? Ipv4Network::parse(line->second) : std::nullopt;
  if (!prefix)
    return std::unexpected("must be a LAN and a network, as in 'br-lan 192.168.90.0/24', not '" +
                           std::string(value) + "'");
  config.lan_prefixes.emplace(line->first, *prefix);
  return KeyEffect::Applied;
}

Result set_external_address(Config& config, std::string_view value) {
  const auto address = Ipv4Address::parse(value);
  if (!address || !RemoteHost::parse(*address))
    return std::unexpected("must be an IPv4 address, not '" + std::string(value) + "'");
  config.external_address = *address;
  return KeyEffect::Applied;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                       (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !digit) return false;
  }
  return true;
}

Result set_uuid(Config& config, std::string_view value) {
  if (!is_uuid(value))
    return std::unexpected("must look like 12345678-90ab-cdef-1234-567890abcdef, not '" +
                           std::string(value) + "'");
  config.uuid = std::string(value);
  return KeyEffect::Applied;
}

Result set_max_lease(Config& config, std::string_view value) {
  return set_number(config, value, UINT32_MAX, [](Config& c, std::uint32_t n) {
    c.policy.limits.lease = std::chrono::seconds(n);
  });
}

// A switch of the policy.
template <auto Field>
Result set_policy_switch(Config& config, std::string_view value) {
  const auto read = read_switch(value);
  if (!read) return std::unexpected("must be yes or no, not '" + std::string(value) + "'");
  config.policy.*Field = *read;
  return KeyEffect::Applied;
}

// Pinholes go with the rest, as miniupnpd has it.
Result set_ipv6_disable(Config& config, std::string_view value) {
  const auto read = read_switch(value);
  if (!read) return std::unexpected("must be yes or no, not '" + std::string(value) + "'");
  config.ipv6 = !*read;
  config.policy.allow_pinholes = !*read;
  return KeyEffect::Applied;
}

Result no_effect(Config&, std::string_view) {
  return KeyEffect::NoEffect;
}

constexpr std::array kKeys = std::to_array<Key>({
    // miniupnpd.conf's
    {"ext_ifname", add_wan},
    {"ext_ifname6", set_ipv6_wan},
    {"ext_ip", set_external_address},
    {"listening_ip", add_lan},
    {"http_port", set_http_port},
    {"port", set_http_port},
    {"enable_upnp", set_switch<&Config::enable_upnp>},
    {"lease_file", set_path<&Config::lease_file>},
    // All is in one file here: what miniupnpd has left in its second one is read.
    {"lease_file6", set_path<&Config::import_lease_file6>},
    {"friendly_name", set_text<&Config::friendly_name>},
    {"manufacturer_name", set_text<&Config::manufacturer>},
    {"manufacturer_url", set_text<&Config::manufacturer_url>},
    {"model_name", set_text<&Config::model_name>},
    {"model_description", set_text<&Config::model_description>},
    {"model_url", set_text<&Config::model_url>},
    {"model_number", set_text<&Config::model_number>},
    {"serial", set_text<&Config::serial>},
    {"presentation_url", set_text<&Config::presentation_url>},
    {"uuid", set_uuid},
    {"bitrate_up", set_number_field<&Config::bitrate_up>},
    {"bitrate_down", set_number_field<&Config::bitrate_down>},
    {"notify_interval", set_number_field<&Config::notify_interval>},
    {"secure_mode", set_policy_switch<&core::Policy::secure_mode>},
    {"system_uptime", set_switch<&Config::system_uptime>},
    {"ipv6_disable", set_ipv6_disable},
    // our own
    {"allow_pinholes", set_policy_switch<&core::Policy::allow_pinholes>},
    {"import_lease_file", set_path<&Config::import_lease_file>},
    {"import_lease_file6", set_path<&Config::import_lease_file6>},
    {"lan_wan", set_lan_wan},
    {"lan_prefix", add_lan_prefix},
    {"admin_socket", set_path<&Config::admin_socket>},
    {"max_mappings", set_limit<&core::Limits::mappings>},
    {"max_mappings_per_host", set_limit<&core::Limits::mappings_per_host>},
    {"max_requests_per_second", set_limit<&core::Limits::requests_per_second>},
    {"max_lease", set_max_lease},
    {"absent_host_timeout", set_number_field<&Config::absent_host_timeout>},
    {"end_flows", set_switch<&Config::end_flows>},
    {"table_owner", set_switch<&Config::table_owner>},
    {"run_as", set_text<&Config::run_as>},
    // miniupnpd.conf's that change nothing here: what they steer is not there, or needs no steering
    {"ext_allow_private_ipv4", no_effect},
    {"ext_perform_stun", no_effect},
    {"ext_stun_host", no_effect},
    {"ext_stun_port", no_effect},
    {"ipv6_listening_ip", no_effect},
    {"enable_pcp_pmp", no_effect},
    {"enable_natpmp", no_effect},
    {"min_lifetime", no_effect},
    {"max_lifetime", no_effect},
    {"pcp_allow_thirdparty", no_effect},
    {"clean_ruleset_threshold", no_effect},
    {"clean_ruleset_interval", no_effect},
    {"force_igd_desc_v1", no_effect},
    {"upnp_table_name", no_effect},
    {"upnp_nat_table_name", no_effect},
    {"upnp_forward_chain", no_effect},
    {"upnp_nat_chain", no_effect},
    {"upnp_nat_postrouting_chain", no_effect},
});

}  // namespace

Result set_key(Config& config, std::string_view key, std::string_view value) {
  const auto known = std::ranges::find(kKeys, key, &Key::name);
  if (known == kKeys.end()) return std::unexpected("unknown key");
  return known->set(config, value);
}

}  // namespace upnpd::gateway
