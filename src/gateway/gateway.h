// The gateway process: the loop that joins the mapping store to the children and the interfaces. It
// reads nothing that came from a LAN but typed messages.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "admin_server.h"
#include "config.h"
#include "host_watch.h"
#include "identity.h"
#include "lan_side.h"
#include "launcher.h"
#include "loop.h"
#include "mapping_store.h"
#include "neighbour_table.h"
#include "networks.h"
#include "ports_in_use_reader.h"
#include "rate_limited_log.h"
#include "supervised_child.h"
#include "upnpd/nat.h"

namespace upnpd::gateway {

// What of IPv6 is served, said at the start and in the status.
std::string ipv6_reach(const Config& config);

class Gateway {
 public:
  // What main() has opened while it still had every privilege.
  struct Resources {
    Identity identity;
    std::string identity_fault;  // why it will be another after a restart; "" = it will not
    Launcher launcher;
    base::Fd admin_socket;
    kernel::InterfaceWatch interface_watch;  // the networks'
    kernel::LinkSpeedReader link_speeds;     // likewise
    std::unique_ptr<Nat> nat;                // the mapping store's
    kernel::FlowEnder flow_ender;            // likewise
    kernel::NeighbourTable neighbours;
    kernel::PortsInUseReader ports_in_use;
    kernel::NeighbourWatch neighbour_watch;      // the host watch's
    std::function<ConfigReading()> read_config;  // as at the start: the file, and the command line
  };

  Gateway(Config config, Resources resources);

  // Makes or takes over the kernel's table, with what is remembered. An error is a line for the
  // log.
  std::expected<void, std::string> open() { return store_.open(); }
  // Serves, once it is open, until SIGTERM or SIGINT; then closes every port.
  void run();

 private:
  // ---- start and stop ----
  void begin_stop();
  void stop_when_quiet();
  void finish_stop();

  // ---- the configuration read again (reload.cpp) ----
  // The lines an administrator should see. An error: the configuration has these problems, and
  // nothing has changed.
  std::expected<std::vector<std::string>, std::vector<std::string>> reload();
  void reload_lans(const Config& before);
  void add_lan(const std::string& name);
  void drop_ended_lans();
  base::Json reload_for_admin();

  // ---- requests (requests.cpp) ----
  void on_service_frames(const std::vector<wire::Frame>& frames);
  void serve_batch(const std::vector<ServiceRequest>& requests);
  void look_for_ports_in_use(const std::vector<ServiceRequest>& requests, BootTime now);
  // After the kernel refused what the batch came to `together`.
  void serve_alone(const ServiceRequest& request, const core::Outcome& together, BootTime now);
  void hold_reply(const ServiceRequest& request, const core::Outcome& outcome);
  // Before anybody hears of the change. The service must forget the entries it has on stock.
  void on_entries_changed();
  Reply reply_to(const ServiceRequest& request, const core::Outcome& outcome);

  // ---- requests about pinholes, and over IPv6 (pinhole_requests.cpp) ----
  // Who is who, if a request needs to know. Takes out of `requests` those whose client's host is
  // still looked for.
  core::Neighbours prepare_neighbours(std::vector<ServiceRequest>& requests);
  bool look_for(LanIndex lan_index, const IpAddress& client);
  // Who the callers of `requests` and of those that wait may be, or may name.
  core::Neighbours known_neighbours(std::span<const ServiceRequest> requests);
  bool may_wait(const RequestHead& head, const core::Neighbours& known) const;
  void serve_waiting();
  Reply reply_from_kernel(const ServiceRequest& request);
  Reply pinhole_traffic_reply(std::uint64_t id, std::uint16_t unique_id, bool check);

  // ---- surroundings ----
  void on_interfaces_changed();
  void plan_retry();
  void apply_surroundings();
  StateVariables state_variables(const LanSide& lan) const;
  void tell_wan_state();
  void publish();
  void on_table_changed();
  void plan_publish();
  void on_service_started();
  LanSide* lan(LanIndex index);
  std::optional<int> link_of(Ipv4Address host);

  // ---- administration (administration.cpp) ----
  base::Json administer(const base::Json& request);
  base::Json list_mappings();
  base::Json list_pinholes();
  base::Json status() const;
  base::Json faults() const;
  base::Json delete_mapping(const base::Json& request);
  base::Json delete_pinhole(const base::Json& request);
  base::Json carry_out(const core::Outcome& outcome, std::int64_t id, const std::string& what);

  base::Loop loop_;
  Config config_;
  Resources resources_;
  MappingStore store_;
  Networks networks_;
  HostWatch hosts_;
  bool stopping_ = false;
  struct WaitingRequest {
    ServiceRequest request;
    BootTime until;
  };
  std::vector<WaitingRequest> waiting_;  // for the neighbour that is their client
  bool sent_following_ = false;          // entries the service had not been asked for yet
  base::RateLimitedLog refusals_;
  std::chrono::milliseconds retry_pause_{};
  std::string overlap_;  // of LANs, as last said

  SupervisedChild service_;
  Lans lans_;
  Lans leaving_;  // no longer configured, saying goodbye
  AdminServer admin_;
  base::FdWatcher interface_watcher_;
  base::SignalWatcher terminate_, interrupt_, hang_up_, user_;
  base::Timer retry_timer_, waiting_timer_, publish_timer_, stop_timer_, sweep_timer_;
};

}  // namespace upnpd::gateway
