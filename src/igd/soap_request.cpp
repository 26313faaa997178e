#include "soap_request.h"

#include <algorithm>
#include <pugixml.hpp>

#include "xml_limits.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

constexpr XmlLimits kLimits{.depth = 64, .elements = 512};

pugi::xml_node first_element(pugi::xml_node parent) {
  return parent.find_child([](pugi::xml_node child) { return child.type() == pugi::node_element; });
}

pugi::xml_node element_called(pugi::xml_node parent, std::string_view name) {
  return parent.find_child([name](pugi::xml_node child) {
    return child.type() == pugi::node_element && local_name(child.name()) == name;
  });
}

// All character data directly inside: a comment or a CDATA section may cut it into pieces.
std::string text_of(pugi::xml_node element) {
  std::string text;
  for (const pugi::xml_node child : element.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata)
      text += child.value();
  return std::string(trimmed(text));
}

// Some clients write the user's text as it is. A description has no elements inside: a '<' between
// its tags is always text (a bare '&' the parser takes for itself). No value: nothing to repair.
std::optional<std::string> with_escaped_description(std::string_view body) {
  constexpr std::string_view kName = "NewPortMappingDescription";
  const std::size_t opening = body.find(kName);
  const std::size_t start = body.find('>', opening);
  if (opening == std::string_view::npos || start == std::string_view::npos) return std::nullopt;
  const std::size_t closing = body.find(kName, start);
  const std::size_t end = closing == std::string_view::npos ? closing : body.rfind("</", closing);
  if (body[start - 1] == '/' || end == std::string_view::npos || end <= start) return std::nullopt;
  const std::string_view text = body.substr(start + 1, end - start - 1);
  if (text.find('<') == std::string_view::npos || text.find("<!") != std::string_view::npos)
    return std::nullopt;
  std::string repaired(body.substr(0, start + 1));
  for (const char c : text)
    repaired += c == '<' ? "&lt;" : std::string(1, c);
  repaired += body.substr(end);
  return repaired;
}

}  // namespace

std::expected<SoapRequest, SoapError> parse_soap_request(std::string_view sent) {
  if (sent.size() > kMaxSoapBody) return std::unexpected(SoapError::Malformed);
  const auto repaired = with_escaped_description(sent);
  const std::string_view body = repaired ? std::string_view(*repaired) : sent;
  if (!is_within(kLimits, body)) return std::unexpected(SoapError::Malformed);
  pugi::xml_document document;
  // The encoding is set: guessed from the bytes it could be one that is_within() cannot read.
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8))
    return std::unexpected(SoapError::Malformed);

  const pugi::xml_node envelope = element_called(document, "Envelope");
  const pugi::xml_node action = first_element(element_called(envelope, "Body"));
  if (!action) return std::unexpected(SoapError::NoAction);

  SoapRequest request{std::string(local_name(action.name())), {}};
  for (const pugi::xml_node child : action.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = local_name(child.name());
    if (find_argument(request, name)) return std::unexpected(SoapError::RepeatedArgument);
    request.arguments.push_back({std::string(name), text_of(child)});
  }
  return request;
}

std::optional<std::string_view> find_argument(const SoapRequest& request, std::string_view name) {
  const auto found = std::ranges::find(request.arguments, name, &SoapArgument::name);
  if (found == request.arguments.end()) return std::nullopt;
  return found->value;
}

}  // namespace upnpd::igd
