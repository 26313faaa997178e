// Small builders of control requests for the tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upnpd::test {

inline constexpr std::string_view kWanIp1 = "urn:schemas-upnp-org:service:WANIPConnection:1";
inline constexpr std::string_view kWanIp2 = "urn:schemas-upnp-org:service:WANIPConnection:2";

inline std::string in_soap_envelope(std::string_view content) {
  return "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">"
         "<s:Body>" +
         std::string(content) + "</s:Body></s:Envelope>";
}

// A request for `action`, argument by argument: a_call("AddPortMapping").with("NewProtocol",
// "TCP").
class SoapBuilder {
 public:
  explicit SoapBuilder(std::string action, std::string_view urn = kWanIp1)
      : action_(std::move(action)), urn_(urn) {}
  SoapBuilder& with(std::string_view name, std::string_view value) {
    arguments_ +=
        "<" + std::string(name) + ">" + std::string(value) + "</" + std::string(name) + ">";
    return *this;
  }
  SoapBuilder& with_raw(std::string_view xml) {
    arguments_ += xml;
    return *this;
  }
  std::string body() const {
    return in_soap_envelope("<u:" + action_ + " xmlns:u=\"" + urn_ + "\">" + arguments_ +
                            "</u:" + action_ + ">");
  }
  std::string soap_action() const { return "\"" + urn_ + "#" + action_ + "\""; }

 private:
  std::string action_;
  std::string urn_;
  std::string arguments_;
};

inline SoapBuilder a_call(std::string action, std::string_view urn = kWanIp1) {
  return SoapBuilder(std::move(action), urn);
}

// AddPortMapping (or AddAny) with all of its arguments in order.
inline SoapBuilder an_add_port_mapping(std::string_view urn = kWanIp1,
                                       std::string action = "AddPortMapping") {
  return a_call(std::move(action), urn)
      .with("NewRemoteHost", "")
      .with("NewExternalPort", "8080")
      .with("NewProtocol", "TCP")
      .with("NewInternalPort", "80")
      .with("NewInternalClient", "192.168.77.10")
      .with("NewEnabled", "1")
      .with("NewPortMappingDescription", "a game")
      .with("NewLeaseDuration", "3600");
}

}  // namespace upnpd::test
