#include "soap_requests.h"

#include <cstdint>

#include "options.h"

namespace upnpd::bench {
namespace {

std::string name_of(Action action) {
  switch (action) {
    case Action::Pairs:
    case Action::Add: return "AddPortMapping";
    case Action::Delete: return "DeletePortMapping";
    case Action::Specific: return "GetSpecificPortMappingEntry";
    case Action::Generic: return "GetGenericPortMappingEntry";
    case Action::List: return "GetListOfPortMappings";
    case Action::External: return "GetExternalIPAddress";
  }
  return "";
}

std::string element(const std::string& name, const std::string& value) {
  return "<" + name + ">" + value + "</" + name + ">";
}

std::string key(unsigned port) {
  return element("NewRemoteHost", "") + element("NewExternalPort", std::to_string(port)) +
         element("NewProtocol", "TCP");
}

}  // namespace

Action parse_action(const std::string& word) {
  if (word == "add") return Action::Add;
  if (word == "delete") return Action::Delete;
  if (word == "pairs") return Action::Pairs;
  if (word == "specific") return Action::Specific;
  if (word == "generic") return Action::Generic;
  if (word == "list") return Action::List;
  if (word == "external") return Action::External;
  fail("unknown action: " + word);
}

SoapRequests::SoapRequests(const Gateway& gateway, Action action, Range range, unsigned connections,
                           bool keep_alive)
    : gateway_(gateway),
      action_(action),
      range_(range),
      connections_(connections),
      keep_alive_(keep_alive) {}

std::string SoapRequests::make(unsigned index, const std::string& client) const {
  if (are_pairs()) {
    const bool deletes = index / connections_ % 2 != 0;
    const Action turn = deletes ? Action::Delete : Action::Add;
    return envelope(turn, arguments(turn, range_.first + index % connections_, client));
  }
  const auto step = static_cast<unsigned>(std::uint64_t{index} * range_.stride % range_.count);
  return envelope(action_, arguments(action_, range_.first + step, client));
}

std::string SoapRequests::arguments(Action action, unsigned port, const std::string& client) const {
  switch (action) {
    case Action::Pairs:
    case Action::Add:
      return key(port) + element("NewInternalPort", std::to_string(port)) +
             element("NewInternalClient", client) + element("NewEnabled", "1") +
             element("NewPortMappingDescription", "bench") + element("NewLeaseDuration", "0");
    case Action::Delete:
    case Action::Specific: return key(port);
    case Action::Generic: return element("NewPortMappingIndex", std::to_string(port));
    case Action::List:
      return element("NewStartPort", "0") + element("NewEndPort", "65535") +
             element("NewProtocol", "TCP") + element("NewManage", "0") +
             element("NewNumberOfPorts", "0");
    case Action::External: return "";
  }
  return "";
}

std::string SoapRequests::envelope(Action action, const std::string& arguments) const {
  const std::string name = name_of(action);
  const std::string body =
      "<?xml version=\"1.0\"?>\r\n"
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:" +
      name + " xmlns:u=\"" + gateway_.service + "\">" + arguments + "</u:" + name +
      "></s:Body></s:Envelope>\r\n";
  return "POST " + gateway_.control_path + " HTTP/1.1\r\nHost: " + gateway_.authority +
         "\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \"" + gateway_.service +
         "#" + name + "\"\r\nContent-Length: " + std::to_string(body.size()) +
         (keep_alive_ ? "" : "\r\nConnection: close") + "\r\n\r\n" + body;
}

}  // namespace upnpd::bench
