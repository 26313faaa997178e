// One HTTP request and its answer, between libmicrohttpd's callbacks and the pure parts. While the
// gateway is asked, the connection is suspended; libmicrohttpd then neither reads nor ends it. A
// long answer is sent part by part, the next part asked for when the one before has been sent.
#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "entry_walks.h"
#include "http_answer.h"
#include "http_checks.h"
#include "pending_requests.h"
#include "rate_limited_log.h"
#include "router_state.h"
#include "soap_control.h"

namespace upnpd::igd {

// What every exchange of a LAN shares. Outlives the exchanges.
struct ExchangeContext {
  ServeLan lan;
  const RouterState& router;
  PendingRequests& pending;
  EntryWalks& walks;
  base::RateLimitedLog& log;
  // Makes the daemon look soon at a connection that has been resumed: it does not notice by itself.
  std::function<void(MHD_Connection*)> wake = {};
};

class HttpExchange {
 public:
  HttpExchange(MHD_Connection* connection, const ExchangeContext& context)
      : connection_(connection), context_(context) {}
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  ~HttpExchange();

  // The three moments of a request. MHD_NO closes the connection.
  MHD_Result take_head(std::string_view target, std::string_view method);
  MHD_Result take_body(std::string_view part);
  MHD_Result take_end();

  // Whether the connection is suspended until the gateway answers.
  bool is_waiting() const { return pending_id_.has_value(); }
  // Stops waiting: the connection is resumed and then closed without an answer.
  void abandon();

 private:
  std::string document_for(const DocumentRequest& request) const;
  void carry_out();
  void wait_for_gateway(PendingCall call);
  void take_reply(const PendingCall& call, const Reply& reply);
  static ssize_t read_part(void* self, std::uint64_t position, char* buffer, std::size_t size);
  MHD_Result queue(const HttpAnswer& answer);
  void log_refusal(const HttpAnswer& answer) const;

  MHD_Connection* connection_;
  const ExchangeContext& context_;
  std::optional<ControlRequest> control_;
  std::string body_;
  std::size_t body_size_ = 0;
  std::optional<HttpAnswer> answer_;  // of a long one, the part that is being sent
  std::optional<PendingCall> rest_;   // what is to be asked when that part has been sent
  std::size_t part_sent_ = 0;
  bool is_broken_ = false;  // the rest will not come
  std::optional<std::uint64_t> pending_id_;
};

}  // namespace upnpd::igd
