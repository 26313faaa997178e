// The configuration read again while everything runs. It is taken over whole or not at all; what of
// it differs is then carried to the part it concerns, and every other part is left alone.
#include <algorithm>
#include <array>
#include <tuple>

#include "clock.h"
#include "gateway.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

// A key that holds until the next start, since what it names was opened with rights that are gone.
struct FixedKey {
  const char* name;
  bool (*differs)(const Config& wanted, const Config& present);
  void (*copy)(Config& to, const Config& from);
};

template <auto Field>
constexpr FixedKey fixed(const char* name) {
  return {
      name,
      [](const Config& wanted, const Config& present) { return wanted.*Field != present.*Field; },
      [](Config& to, const Config& from) { to.*Field = from.*Field; }};
}

// The same of a file that is read once, at the start: when it is named no longer, nothing is
// missed.
template <auto Field>
constexpr FixedKey read_once(const char* name) {
  FixedKey key = fixed<Field>(name);
  key.differs = [](const Config& wanted, const Config& present) {
    return !(wanted.*Field).empty() && wanted.*Field != present.*Field;
  };
  return key;
}

constexpr std::array kFixedKeys{fixed<&Config::lease_file>("lease_file"),
                                fixed<&Config::admin_socket>("admin_socket"),
                                fixed<&Config::run_as>("run_as"),
                                fixed<&Config::uuid>("uuid"),
                                fixed<&Config::table_owner>("table_owner"),
                                read_once<&Config::import_lease_file>("import_lease_file"),
                                read_once<&Config::import_lease_file6>("import_lease_file6")};

// What a client reads in the description, or in an announcement.
auto announced(const Config& c) {
  return std::tie(c.friendly_name, c.manufacturer, c.manufacturer_url, c.model_name,
                  c.model_description, c.model_number, c.model_url, c.serial, c.presentation_url,
                  c.notify_interval);
}

// Puts back into `wanted` what cannot change; a line for each.
std::vector<std::string> keep_fixed(Config& wanted, const Config& present) {
  std::vector<std::string> lines;
  for (const FixedKey& key : kFixedKeys) {
    if (!key.differs(wanted, present)) continue;
    key.copy(wanted, present);
    lines.push_back(std::string(key.name) + ": the change needs a restart");
  }
  return lines;
}

std::vector<std::string> lines_of(const ConfigReading& reading) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : reading.problems)
    lines.push_back(to_string(problem));
  return lines;
}

}  // namespace

std::expected<std::vector<std::string>, std::vector<std::string>> Gateway::reload() {
  ConfigReading reading = resources_.read_config();
  if (reading.has_errors()) {
    base::log_error("the configuration has errors, the one before stays in force");
    log_problems(reading);
    return std::unexpected(lines_of(reading));
  }
  std::vector<std::string> faults = keep_fixed(reading.config, config_);
  const Config before = std::exchange(config_, std::move(reading.config));
  if (!store_.set_policy(config_.policy)) faults.push_back(store_.kernel_fault());
  reload_lans(before);
  if (config_.enable_upnp) service_.start();
  // What of the WAN is configured is judged together with how it is.
  on_interfaces_changed();
  tell_wan_state();
  plan_publish();
  log_problems(reading);
  for (const std::string& fault : faults)
    base::log_warning(fault);
  base::log_notice("the configuration is read anew");
  std::vector<std::string> lines = lines_of(reading);
  std::ranges::move(faults, std::back_inserter(lines));
  return lines;
}

void Gateway::reload_lans(const Config& before) {
  for (std::size_t i = lans_.size(); i-- > 0;) {
    if (std::ranges::count(config_.lans, lans_[i]->name()) != 0) continue;
    lans_[i]->leave();
    leaving_.push_back(std::move(lans_[i]));
    lans_.erase(lans_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  sweep_timer_.start(std::chrono::milliseconds(0));
  const bool new_names = announced(config_) != announced(before);
  if (new_names) service_.send(device_identity(resources_.identity, config_));
  for (const auto& lan : lans_) {
    const bool new_port = config_.http_port != 0 && config_.http_port != lan->http_port();
    if (new_port || !config_.enable_upnp)
      lan->leave();
    else if (new_names || config_.lan_prefixes != before.lan_prefixes)
      lan->announce_anew();
  }
  for (const std::string& name : config_.lans)
    if (std::ranges::find(lans_, name, &LanSide::name) == lans_.end()) add_lan(name);
}

void Gateway::add_lan(const std::string& name) {
  const auto is_taken = [this](std::size_t index) {
    const auto has_it = [index](const auto& lan) { return lan->index() == index; };
    return std::ranges::any_of(lans_, has_it) || std::ranges::any_of(leaving_, has_it);
  };
  std::size_t index = 0;
  while (is_taken(index))
    ++index;
  lans_.push_back(std::make_unique<LanSide>(
      loop_, static_cast<LanIndex>(index), name, config_, resources_.identity, resources_.launcher,
      service_,
      LanSide::Hooks{[this] { apply_surroundings(); },
                     [this](const LanSide& lan) { return state_variables(lan); },
                     [this] {
                       sweep_timer_.start(std::chrono::milliseconds(0));
                       stop_when_quiet();
                     }}));
}

void Gateway::drop_ended_lans() {
  std::erase_if(leaving_, [](const auto& lan) { return lan->has_ended(); });
}

base::Json Gateway::reload_for_admin() {
  const auto reloaded = reload();
  if (!reloaded) {
    std::string message = "the configuration has errors, the one before stays in force";
    for (const std::string& line : reloaded.error())
      message += "\n" + line;
    return error_reply(message);
  }
  base::Json notes = base::Json::array();
  for (const std::string& line : *reloaded) {
    base::Json note = base::Json::object();
    note.add("note", line);
    notes.append(std::move(note));
  }
  base::Json reply = base::Json::object();
  reply.add_switch("reloaded", true);
  reply.add("notes", std::move(notes));
  return reply;
}

}  // namespace upnpd::gateway
