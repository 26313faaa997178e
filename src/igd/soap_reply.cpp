#include "soap_reply.h"

#include "xml_text.h"

namespace upnpd::igd {
namespace {

std::string in_envelope(std::string_view content) {
  std::string document =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
      "<s:Body>";
  document += content;
  document += "</s:Body></s:Envelope>\r\n";
  return document;
}

std::string element(std::string_view name, std::string_view text) {
  const std::string tag(name);
  return "<" + tag + ">" + escape_xml(text) + "</" + tag + ">";
}

}  // namespace

std::string write_soap_reply(std::string_view urn, std::string_view action,
                             const SoapValues& values) {
  const std::string tag = "u:" + std::string(action) + "Response";
  std::string content = "<" + tag + " xmlns:u=\"" + escape_xml(urn) + "\">";
  for (const auto& [name, value] : values)
    content += element(name, value);
  return in_envelope(content + "</" + tag + ">");
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
