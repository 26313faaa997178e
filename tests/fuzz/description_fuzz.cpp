// A description on its way to where it is shown: log, SOAP answer.
#include <pugixml.hpp>

#include "fuzz.h"
#include "log.h"
#include "upnpd/port_mapping.h"
#include "xml_text.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string logged = base::printable(text_of(data, size));
  must(!has_control(logged) && logged.size() < 300, "a log line is one line, and not long");
  const auto description = PortMappingDescription::parse(text_of(data, size));
  if (!description) return 0;
  must(!has_control(description->text()), "no control character is kept");
  must(PortMappingDescription::parse(description->text()) == description, "what is clean stays");
  must(base::printable(description->text()).find('?') == std::string::npos ||
           description->text().find('?') != std::string::npos,
       "what is kept can be logged");
  const std::string xml = "<a b=\"" + igd::escape_xml(description->text()) + "\">" +
                          igd::escape_xml(description->text()) + "</a>";
  pugi::xml_document document;
  must(document.load_string(xml.c_str(), pugi::parse_full), "it can stand in an XML document");
  return 0;
}
