#include "permission_line.h"

#include "words.h"

namespace upnpd::gateway {
namespace {

std::expected<core::PortRange, std::string> read_ports(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = read_number(text.substr(0, dash), 65535);
  const auto last =
      dash == std::string_view::npos ? first : read_number(text.substr(dash + 1), 65535);
  if (!first || !last)
    return std::unexpected("'" + std::string(text) +
                           "' is no port or range of ports (0-65535, such as 1024-65535)");
  if (*first > *last)
    return std::unexpected("'" + std::string(text) + "' is a range that ends before it starts");
  return core::PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

std::expected<core::ClientNetwork, std::string> read_clients(std::string_view text) {
  if (const auto network = Ipv4Network::parse(text)) return *network;
  if (const auto network = Ipv6Network::parse(text)) return *network;
  return std::unexpected("'" + std::string(text) +
                         "' is no IPv4 address, with or without /bits or /mask, and no IPv6 "
                         "address, with or without /bits");
}

// What is left of the line is an expression, quoted or not, then perhaps a comment.
std::expected<std::optional<core::DescriptionPattern>, std::string> read_pattern(
    std::string_view rest) {
  rest = trim(rest);
  if (rest.empty() || rest.front() == '#') return std::nullopt;
  std::string_view expression;
  if (rest.front() == '"') {
    const auto end = rest.find('"', 1);
    if (end == std::string_view::npos)
      return std::unexpected("the expression's closing quote is missing");
    expression = rest.substr(1, end - 1);
    rest = trim(rest.substr(end + 1));
  } else {
    expression = take_word(rest);
    rest = trim(rest);
  }
  if (!rest.empty() && rest.front() != '#')
    return std::unexpected("'" + std::string(rest) +
                           "' after the expression; quote an expression with blanks");
  auto pattern = core::DescriptionPattern::compile(std::string(expression));
  if (!pattern)
    return std::unexpected("'" + std::string(expression) + "' is no regular expression");
  return pattern;
}

}  // namespace

bool is_permission_line(std::string_view line) {
  const auto word = take_word(line);
  return word == "allow" || word == "deny";
}

std::expected<core::PermissionLine, std::string> read_permission_line(std::string_view line,
                                                                      std::string where) {
  const bool allow = take_word(line) == "allow";
  const std::string_view external = take_word(line), clients = take_word(line),
                         internal = take_word(line);
  if (internal.empty() || internal.front() == '#')
    return std::unexpected(
        "too few words: allow|deny EXTERNAL-PORTS ADDRESS[/BITS] INTERNAL-PORTS [\"EXPRESSION\"]");
  const auto external_ports = read_ports(external);
  if (!external_ports) return std::unexpected(external_ports.error());
  const auto network = read_clients(clients);
  if (!network) return std::unexpected(network.error());
  const auto internal_ports = read_ports(internal);
  if (!internal_ports) return std::unexpected(internal_ports.error());
  auto pattern = read_pattern(line);
  if (!pattern) return std::unexpected(pattern.error());
  return core::PermissionLine{
      allow ? core::PermissionLine::Verdict::Allow : core::PermissionLine::Verdict::Deny,
      *external_ports,
      *network,
      *internal_ports,
      *std::move(pattern),
      std::move(where)};
}

}  // namespace upnpd::gateway
