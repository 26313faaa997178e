#include "fixed_answer.h"

#include <cstring>

namespace upnpd::bench {
namespace {

constexpr const char* kDescription =
    "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
    "<controlURL>/control</controlURL></service></serviceList></device></root>";
constexpr const char* kReply =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
    "<u:AddPortMappingResponse xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
    "</u:AddPortMappingResponse></s:Body></s:Envelope>\r\n";

MHD_Result queue(MHD_Connection* connection, const char* text) {
  MHD_Response* const response = MHD_create_response_from_buffer(
      std::strlen(text), const_cast<char*>(text), MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(response, "Content-Type", "text/xml");
  const MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

bool is_control(const char* method) {
  return std::strcmp(method, "POST") == 0;
}

bool has_ended(std::size_t* size, void** seen) {
  static char mark;
  if (*seen != nullptr && *size == 0) return true;
  *seen = &mark;
  *size = 0;
  return false;
}

MHD_Result queue_description(MHD_Connection* connection) {
  return queue(connection, kDescription);
}

MHD_Result queue_reply(MHD_Connection* connection) {
  return queue(connection, kReply);
}

std::uint16_t port_of(unsigned number) {
  constexpr unsigned kFirstPort = 1024, kPorts = 60'000;
  return static_cast<std::uint16_t>(kFirstPort + number % kPorts);
}

}  // namespace upnpd::bench
