#include "search_answers.h"

#include <algorithm>
#include <array>
#include <optional>

#include "upnpd/device_tree.h"

namespace upnpd::announcer {
namespace {

constexpr std::string_view kGateway = "urn:schemas-upnp-org:device:InternetGatewayDevice";
// Not announced and in neither description, but searched for by programs that take whatever
// connection the answer's description has.
constexpr std::string_view kPppConnection = "urn:schemas-upnp-org:service:WANPPPConnection:1";

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// The version at the end of `target`, where what is before it is `urn`.
std::optional<unsigned> version_of(std::string_view target, std::string_view urn) {
  if (urn.starts_with(kGateway) && (target == kGateway || target == urn)) return 1;
  if (!target.starts_with(urn)) return std::nullopt;
  const std::string_view version = target.substr(urn.size());
  if (version.size() != 1 || version[0] < '1' || version[0] > '9') return std::nullopt;
  return static_cast<unsigned>(version[0] - '0');
}

class Answers {
 public:
  Answers(const SsdpSearch& search, const SsdpIdentity& identity)
      : search_(search), identity_(identity) {}

  std::vector<SearchAnswer> all() {
    std::vector<SearchAnswer> answers;
    for (const Notification& each : all_notifications(identity_))
      answers.push_back({each.notification_type, each.unique_service_name, Document::Igd1});
    return answers;
  }

  std::vector<SearchAnswer> to_uuid() {
    for (const DeviceLevel level :
         {DeviceLevel::Root, DeviceLevel::WanDevice, DeviceLevel::WanConnectionDevice})
      if (same_text(search_.search_target, udn(level)))
        return {{search_.search_target, udn(level), Document::Igd1}};
    return {};
  }

  std::vector<SearchAnswer> to_type() {
    for (const AnnouncedType& type : kAnnouncedTypes) {
      const auto version = version_of(search_.search_target, type.urn);
      if (!version) continue;
      if (*version > type.version_in_igd2) return {};
      if (type.version_in_igd1 == 0 && search_.from_microsoft) return {};
      const bool igd2 = *version > type.version_in_igd1 && !search_.from_microsoft;
      return one(type.level, igd2 ? Document::Igd2 : Document::Igd1);
    }
    return {};
  }

  std::vector<SearchAnswer> one(DeviceLevel level, Document document) {
    return {{search_.search_target, udn(level) + "::" + search_.search_target, document}};
  }

 private:
  std::string udn(DeviceLevel level) const { return "uuid:" + device_uuid(identity_.uuid, level); }

  const SsdpSearch& search_;
  const SsdpIdentity& identity_;
};

}  // namespace

std::vector<SearchAnswer> search_answers(const SsdpSearch& search, const SsdpIdentity& identity) {
  Answers answers(search, identity);
  const std::string& target = search.search_target;
  if (target == "ssdp:all") return answers.all();
  if (target == "upnp:rootdevice") return answers.one(DeviceLevel::Root, Document::Igd1);
  if (target.starts_with("uuid:")) return answers.to_uuid();
  if (target == kPppConnection)
    return answers.one(DeviceLevel::WanConnectionDevice, Document::Igd1);
  return answers.to_type();
}

}  // namespace upnpd::announcer
