#include "soap_reply.h"

#include "xml_text.h"

namespace upnpd::igd {
namespace {

constexpr std::string_view kEnvelopeStart =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
    "<s:Body>";
constexpr std::string_view kEnvelopeEnd = "</s:Body></s:Envelope>\r\n";

std::string in_envelope(std::string_view content) {
  std::string document(kEnvelopeStart);
  document += content;
  document += kEnvelopeEnd;
  return document;
}

std::string element(std::string_view name, std::string_view text) {
  const std::string tag(name);
  return "<" + tag + ">" + escape_xml(text) + "</" + tag + ">";
}

std::string response_tag(std::string_view urn, std::string_view action) {
  return "<u:" + std::string(action) + "Response xmlns:u=\"" + escape_xml(urn) + "\">";
}

std::string response_end(std::string_view action) {
  return "</u:" + std::string(action) + "Response>";
}

}  // namespace

std::string write_soap_reply(std::string_view urn, std::string_view action,
                             const SoapValues& values) {
  std::string content = response_tag(urn, action);
  for (const auto& [name, value] : values)
    content += element(name, value);
  return in_envelope(content + response_end(action));
}

SoapReplyEnds soap_reply_ends(std::string_view urn, std::string_view action,
                              std::string_view name) {
  const std::string tag(name);
  return {std::string(kEnvelopeStart) + response_tag(urn, action) + "<" + tag + ">",
          "</" + tag + ">" + response_end(action) + std::string(kEnvelopeEnd)};
}

std::string write_soap_fault(UpnpError error) {
  return in_envelope(
      "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
      "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">" +
      element("errorCode", std::to_string(code_of(error))) +
      element("errorDescription", to_string(error)) + "</UPnPError></detail></s:Fault>");
}

std::string write_query_reply(std::string_view value) {
  return in_envelope("<u:QueryStateVariableResponse xmlns:u=\"urn:schemas-upnp-org:control-1-0\">" +
                     element("return", value) + "</u:QueryStateVariableResponse>");
}

}  // namespace upnpd::igd
