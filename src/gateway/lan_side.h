// One LAN: its interface as it comes and goes, its sockets, its announcer. Whatever is missing is
// waited for. The order of things on the way up:
//   interface has an address -> listener and announcer -> announcer tells its event port
//   -> the service is told to serve -> it serves -> the announcer may announce.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config.h"
#include "doorbell.h"
#include "identity.h"
#include "interface_watch.h"
#include "lan_ipv6.h"
#include "lan_sockets.h"
#include "supervised_child.h"
#include "upnpd/messages.h"
#include "upnpd/nat.h"

namespace upnpd::gateway {

class LanSide {
 public:
  struct Hooks {
    std::function<void()> access_changed;                           // access() is another now
    std::function<StateVariables(const LanSide&)> state_variables;  // as they are now
    std::function<void()> ended;                                    // after stop(): has_ended() now
  };

  // `name` is an interface, or an address by which to find it. The service is told of changes; it
  // and everything else handed in outlives the LAN.
  LanSide(base::Loop& loop, LanIndex index, std::string name, const Config& config,
          const Identity& identity, const Launcher& launcher, SupervisedChild& service,
          Hooks hooks);

  // The interfaces are these now.
  void update(const kernel::RouterInterfaces& interfaces);
  // The service has been started (again): tell it everything.
  void tell_service();
  // The service serves this LAN as it says.
  void on_served(const LanServed& served);
  // State variables have changed.
  void publish(const StateVariables& variables) { announcer_.send(variables); }
  // Takes the LAN down with a byebye.
  void stop();
  // The same, and has the service leave it: until update() finds it again.
  void leave();
  // What is announced of the device has changed: byebye, and alive by another announcer. Control
  // goes on meanwhile.
  void announce_anew();

  LanIndex index() const { return index_; }
  const std::string& name() const { return name_; }
  bool is_up() const { return link_.has_value(); }
  // The interface is there, but a socket could not be had: update() again later.
  bool wants_retry() const { return wants_retry_; }
  bool has_ended() const { return !announcer_.is_running(); }
  std::optional<LanAccess> access() const;
  int interface_index() const { return link_ ? link_->interface_index : 0; }
  // The networks of the interface itself.
  std::vector<Ipv4Network> own_networks() const;
  // The networks whose hosts may ask: its own, then what lan_prefix says lies behind another router
  // there. Empty while the interface has no address.
  std::vector<Ipv4Network> networks() const;
  const LanIpv6& ipv6() const { return ipv6_; }
  std::uint16_t http_port() const { return listener_ ? listener_->port : 0; }
  std::uint16_t event_port() const { return event_port_; }
  const SupervisedChild& announcer() const { return announcer_; }
  const std::string& problem() const { return problem_; }

 private:
  struct Link {
    std::string interface;
    int interface_index;
    std::vector<Ipv4Network> addresses;
    // Whether nothing but further addresses is different.
    bool is_where(const Link& other) const {
      return interface == other.interface && interface_index == other.interface_index &&
             addresses.front() == other.addresses.front();
    }
    friend bool operator==(const Link&, const Link&) = default;
  };
  std::vector<Ipv4Network> further_networks() const;
  std::optional<Link> find_link(const kernel::RouterInterfaces& interfaces) const;
  void bring_up(const Link& link);
  void update_ipv6(const kernel::RouterInterfaces& interfaces);
  void take_down();
  std::expected<HttpListener, std::string> open_listener(const Link& link) const;
  void on_announcer_started();
  void on_announcer_message(const std::vector<wire::Frame>& frames);
  void serve();
  void complain(const std::string& problem);

  base::Loop& loop_;
  LanIndex index_;
  std::string name_;
  const Config& config_;
  const Identity& identity_;
  SupervisedChild& service_;
  Hooks hooks_;
  std::optional<Link> link_;
  std::optional<HttpListener> listener_;
  base::Fd search_socket_;              // the announcer's
  std::uint16_t event_port_ = 0;        // 0: the announcer has not told it yet
  std::uint16_t preferred_event_port_;  // the last one
  LanIpv6 ipv6_;
  bool is_ready_ = false;  // the announcer has told it in this life
  bool announces_ = false;
  bool wants_retry_ = false;
  std::string problem_;
  SupervisedChild announcer_;
  std::unique_ptr<Doorbell> control_bell_, search_bell_;
};

}  // namespace upnpd::gateway
