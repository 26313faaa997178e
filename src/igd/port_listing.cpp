#include "port_listing.h"

#include "xml_text.h"

namespace upnpd::igd {
namespace {

void append_element(std::string& document, const std::string& name, std::string_view text) {
  document += "<p:" + name + ">" + escape_xml(text) + "</p:" + name + ">";
}

void append_entry(std::string& document, const Entry& entry) {
  document += "<p:PortMappingEntry>";
  append_element(document, "NewRemoteHost", entry.key.remote_host.to_string());
  append_element(document, "NewExternalPort", std::to_string(entry.key.external_port.number()));
  append_element(document, "NewProtocol", to_string(entry.key.protocol));
  append_element(document, "NewInternalPort", std::to_string(entry.internal_port.number()));
  append_element(document, "NewInternalClient", entry.client.address().to_string());
  append_element(document, "NewEnabled", entry.enabled ? "1" : "0");
  append_element(document, "NewDescription", entry.description.text());
  append_element(document, "NewLeaseTime", std::to_string(entry.lease_duration));
  document += "</p:PortMappingEntry>";
}

}  // namespace

std::string port_listing_start() {
  return escape_xml(
      "<p:PortMappingList xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:schemaLocation=\"urn:schemas-upnp-org:gw:WANIPConnection "
      "http://www.upnp.org/schemas/gw/WANIPConnection-v2.xsd\">");
}

std::string port_listing_entries(std::span<const Entry> entries) {
  std::string document;
  for (const Entry& entry : entries)
    append_entry(document, entry);
  return escape_xml(document);
}

std::string port_listing_end() {
  return escape_xml("</p:PortMappingList>");
}

}  // namespace upnpd::igd
