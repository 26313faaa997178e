#include "xml_limits.h"

#include <optional>

namespace upnpd::igd {
namespace {

constexpr auto kNone = std::string_view::npos;

// The position behind the '>' that ends the tag at `start`; a '>' in a quoted value does not.
std::size_t end_of_tag(std::string_view document, std::size_t start) {
  char quote = 0;
  for (std::size_t i = start; i < document.size(); ++i) {
    const char c = document[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i + 1;
    }
  }
  return kNone;
}

std::size_t behind(std::string_view document, std::string_view terminator, std::size_t from) {
  const std::size_t found = document.find(terminator, from);
  return found == kNone ? kNone : found + terminator.size();
}

// The position behind the comment, CDATA section or processing instruction at `at`; no value when
// there is none of these; kNone when it does not end.
std::optional<std::size_t> skip_no_element(std::string_view document, std::size_t at) {
  const std::string_view rest = document.substr(at);
  if (rest.starts_with("<!--")) return behind(document, "-->", at + 4);
  if (rest.starts_with("<![CDATA[")) return behind(document, "]]>", at + 9);
  if (rest.starts_with("<?")) return behind(document, "?>", at + 2);
  return std::nullopt;
}

}  // namespace

bool is_within(const XmlLimits& limits, std::string_view document) {
  if (document.find('\0') != kNone) return false;
  std::size_t depth = 0;
  std::size_t elements = 0;
  std::size_t at = document.find('<');
  while (at != kNone) {
    std::size_t end = 0;
    if (const auto skipped = skip_no_element(document, at)) {
      end = *skipped;
    } else if (document.substr(at).starts_with("<!")) {
      return false;
    } else {
      end = end_of_tag(document, at);
      if (end == kNone) return false;
      const bool closes = document.substr(at).starts_with("</");
      const bool is_empty = !closes && document[end - 2] == '/';
      if (closes && depth > 0) --depth;
      if (!closes && ++elements > limits.elements) return false;
      if (!closes && !is_empty && ++depth > limits.depth) return false;
    }
    if (end == kNone) return false;
    at = document.find('<', end);
  }
  return true;
}

}  // namespace upnpd::igd
