#include "soap_action.h"

#include <algorithm>

namespace upnpd::igd {
namespace {

constexpr std::size_t kMaxPart = 256;

std::string_view without_quotes_and_blanks(std::string_view text) {
  constexpr std::string_view kAround = " \t\"'";
  const std::size_t first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= kMaxPart && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<SoapAction> parse_soap_action(std::string_view header) {
  const std::size_t hash = header.rfind('#');
  if (hash == std::string_view::npos) return std::nullopt;
  const std::string_view urn = without_quotes_and_blanks(header.substr(0, hash));
  const std::string_view action = without_quotes_and_blanks(header.substr(hash + 1));
  if (!consists_of(urn, ":.-_") || !consists_of(action, "-_")) return std::nullopt;
  return SoapAction{std::string(urn), std::string(action)};
}

}  // namespace upnpd::igd
