// The paths under which the service's documents and control URLs are found, as the descriptions
// name them: /TOKEN/FILE.xml and /TOKEN/control/igd{1,2}/SERVICE_ID.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

namespace upnpd::igd {

struct DocumentRoute {
  std::string_view file_name;  // one of xml/
};

struct ControlRoute {
  int igd_version;  // of the description that named it, 1 or 2
  std::string_view service_id;
};

using Route = std::variant<DocumentRoute, ControlRoute>;

// What `path`, which begins with '/', leads to; no value for anything else than those paths. The
// views in the result live as long as the program.
std::optional<Route> find_route(std::string_view path, std::string_view path_token);

}  // namespace upnpd::igd
