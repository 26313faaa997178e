#include "http_exchange.h"

#include <memory>
#include <utility>

#include "clock.h"
#include "device_description.h"
#include "embedded_xml.h"
#include "log.h"
#include "soap_request.h"
#include "socket_address.h"
#include "upnpd/device_tree.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

// libmicrohttpd cannot answer in the midst of a body, so one that turns out too large is read on
// for a while, unkept, and cut when it does not end.
constexpr std::size_t kMaxDiscarded = 4 * kMaxSoapBody;

struct ResponseDeleter {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using ResponseOwner = std::unique_ptr<MHD_Response, ResponseDeleter>;

std::optional<IpAddress> caller_of(MHD_Connection* connection) {
  const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return std::nullopt;
  return base::address_from(*info->client_addr);
}

MHD_Result collect_header(void* closure, MHD_ValueKind, const char* key, const char* value) {
  auto& head = *static_cast<HttpHead*>(closure);
  const std::string_view name = key;
  const std::string_view text = value == nullptr ? "" : value;
  const auto is = [name](std::string_view header) { return equal_in_any_case(name, header); };
  if (is("Host")) {
    head.has_repeated_host = head.host.has_value();
    head.host = text;
  }
  if (is("Origin")) head.origin = text;
  if (is("Referer")) head.referer = text;
  if (is("Content-Type")) head.content_type = text;
  if (is("SOAPACTION")) head.soap_action = text;
  if (is("User-Agent")) head.user_agent = text;
  if (is("Content-Length")) head.content_length = text;
  if (is("Transfer-Encoding")) head.is_chunked = true;
  return MHD_YES;
}

HttpHead head_of(MHD_Connection* connection, std::string_view target, std::string_view method) {
  HttpHead head{.caller = caller_of(connection), .method = method, .target = target};
  MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &head);
  return head;
}

HttpSite site_of(const ExchangeContext& context) {
  const auto& identity = context.router.identity;
  return {.addresses = context.lan.addresses,
          .port = context.lan.http_port,
          .path_token = identity ? std::string_view(identity->path_token) : std::string_view(),
          .further_networks = context.lan.further_networks};
}

ResponseOwner whole_response(const HttpAnswer& answer) {
  std::string body = answer.body;
  return ResponseOwner(
      MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY));
}

void add_headers(MHD_Response* response, const HttpAnswer& answer) {
  const auto add = [&](const char* name, const std::string& value) {
    MHD_add_response_header(response, name, value.c_str());
  };
  add("Server", server_header());
  add("EXT", " ");  // empty (UDA 1.1 section 3.2.2), which libmicrohttpd does not take
  if (!answer.body.empty()) add("Content-Type", "text/xml; charset=\"utf-8\"");
  if (!answer.allow.empty()) add("Allow", std::string(answer.allow));
}

}  // namespace

HttpExchange::~HttpExchange() {
  if (pending_id_) context_.pending.forget(*pending_id_);
}

MHD_Result HttpExchange::take_head(std::string_view target, std::string_view method) {
  auto request = check_head(head_of(connection_, target, method), site_of(context_));
  if (!request) {
    log_refusal(request.error());
    return queue(request.error());
  }
  // An answer queued before the end of the request, as the refusal was, ends the connection too.
  if (const auto* document = std::get_if<DocumentRequest>(&*request))
    answer_ = HttpAnswer{.body = document_for(*document)};
  else
    control_ = std::get<ControlRequest>(*std::move(request));
  return MHD_YES;
}

MHD_Result HttpExchange::take_body(std::string_view part) {
  body_size_ += part.size();
  if (body_size_ > kMaxDiscarded) return MHD_NO;
  if (body_size_ <= kMaxSoapBody) body_ += part;
  return MHD_YES;
}

MHD_Result HttpExchange::take_end() {
  if (!answer_ && control_) carry_out();
  if (answer_) return queue(*answer_);
  return is_waiting() ? MHD_YES : MHD_NO;
}

void HttpExchange::abandon() {
  if (!pending_id_) return;
  context_.pending.forget(*std::exchange(pending_id_, std::nullopt));
  is_broken_ = true;
  MHD_resume_connection(connection_);
}

std::string HttpExchange::document_for(const DocumentRequest& request) const {
  // The route is only found by the identity's path token.
  const DeviceIdentity& identity = *context_.router.identity;
  // That the caller is on a network of ours has been checked with the head.
  const IpAddress own = *address_towards(*caller_of(connection_), context_.lan.addresses,
                                         context_.lan.further_networks);
  const std::uint16_t event_port = context_.lan.event_port;
  if (request.file_name == "igd1.xml") return device_description(1, identity, own, event_port);
  if (request.file_name == "igd2.xml") return device_description(2, identity, own, event_port);
  return std::string(embedded_xml(request.file_name));
}

void HttpExchange::carry_out() {
  const ControlRequest request = *std::exchange(control_, std::nullopt);
  if (body_size_ > kMaxSoapBody) {
    answer_ = HttpAnswer{.status = HttpStatus::ContentTooLarge, .reason = "body too large"};
    return log_refusal(*answer_);
  }
  // That there is a caller and an identity has been checked with the head.
  auto outcome = control({.route = request.route,
                          .soap_action = request.soap_action,
                          .body = body_,
                          .caller = *caller_of(connection_),
                          .lan = context_.lan.lan,
                          .state = {.identity = *context_.router.identity,
                                    .wan = context_.router.wan_of(context_.lan.lan),
                                    .evented = context_.router.evented,
                                    .igd_version = request.route.igd_version,
                                    .now = base::boot_now()}});
  body_ = {};
  if (auto* call = std::get_if<PendingCall>(&outcome)) {
    const auto known = context_.walks.answer(call->request, base::boot_now());
    if (!known) return wait_for_gateway(std::move(*call));
    answer_ = finish(*call, *known);
    return;
  }
  answer_ = std::get<HttpAnswer>(std::move(outcome));
  if (!answer_->reason.empty()) log_refusal(*answer_);
}

void HttpExchange::wait_for_gateway(PendingCall call) {
  const ServiceRequest request = call.request;
  pending_id_ = context_.pending.ask(
      request,
      [this, call = std::move(call)](const Reply& reply) {
        pending_id_.reset();
        const auto first = context_.walks.take(call.request, reply, base::boot_now());
        take_reply(call, first ? *first : reply);
        MHD_resume_connection(connection_);
        context_.wake(connection_);
      },
      base::boot_now());
  MHD_suspend_connection(connection_);
}

void HttpExchange::take_reply(const PendingCall& call, const Reply& reply) {
  if (answer_) {
    auto part = next_part(call, reply);
    is_broken_ = !part;
    answer_->body = std::move(part).value_or("");
  } else {
    answer_ = finish(call, reply);
  }
  rest_ = rest_of(call, reply);
  part_sent_ = 0;
}

ssize_t HttpExchange::read_part(void* self, std::uint64_t, char* buffer, std::size_t size) {
  auto& exchange = *static_cast<HttpExchange*>(self);
  const std::size_t copied = exchange.answer_->body.copy(buffer, size, exchange.part_sent_);
  exchange.part_sent_ += copied;
  if (copied != 0) return static_cast<ssize_t>(copied);
  if (exchange.is_broken_) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (!exchange.rest_) return MHD_CONTENT_READER_END_OF_STREAM;
  exchange.wait_for_gateway(*std::exchange(exchange.rest_, std::nullopt));
  return 0;
}

MHD_Result HttpExchange::queue(const HttpAnswer& answer) {
  constexpr std::size_t kBlock = 4096;
  const ResponseOwner response =
      rest_ ? ResponseOwner(MHD_create_response_from_callback(
                  MHD_SIZE_UNKNOWN, kBlock, &HttpExchange::read_part, this, nullptr))
            : whole_response(answer);
  if (!response) return MHD_NO;
  add_headers(response.get(), answer);
  return MHD_queue_response(connection_, static_cast<unsigned>(answer.status), response.get());
}

void HttpExchange::log_refusal(const HttpAnswer& answer) const {
  const auto address = caller_of(connection_);
  const std::string caller = address ? to_string(*address) : "?";
  context_.log.log(base::LogLevel::Notice, caller,
                   context_.lan.interface + ": " +
                       std::to_string(static_cast<unsigned>(answer.status)) + " to " + caller +
                       ": " + std::string(answer.reason));
}

}  // namespace upnpd::igd
