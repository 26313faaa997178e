#include "commands.h"

#include <charconv>

#include "columns.h"

namespace upnpd::admin {
namespace {

using base::Json;

std::string number(const Json& object, const char* key) {
  return std::to_string(object.number_at(key).value_or(0));
}
std::string text(const Json& object, const char* key) {
  return for_terminal(object.text_at(key).value_or(""));
}

// ---- list ----

std::expected<Json, std::string> list_request(const std::vector<std::string>& words) {
  if (words.size() != 1 || (words[0] != "mappings" && words[0] != "pinholes"))
    return std::unexpected("list what? There are: upnpd-admin list mappings, list pinholes");
  Json request = Json::object();
  request.add("command", "list");
  request.add("what", words[0]);
  return request;
}

Row row_for(const Json& mapping) {
  const auto expires = mapping.number_at("expires_in");
  const std::string remote = text(mapping, "remote_host");
  std::string until = expires ? as_time(*expires) : "never";
  if (!mapping.switch_at("enabled").value_or(true)) until += " (disabled)";
  return {number(mapping, "id"),
          text(mapping, "protocol"),
          number(mapping, "external_port"),
          remote.empty() ? "any" : remote,
          text(mapping, "client"),
          number(mapping, "internal_port"),
          until,
          number(mapping, "packets") + "/" + number(mapping, "bytes"),
          text(mapping, "description")};
}

Row row_for_pinhole(const Json& pinhole) {
  const std::string host = text(pinhole, "remote_host");
  const bool any_port = !pinhole.number_at("remote_port");
  return {number(pinhole, "id"),
          text(pinhole, "protocol"),
          host.empty() ? "any" : host,
          any_port ? "any" : number(pinhole, "remote_port"),
          text(pinhole, "client"),
          number(pinhole, "internal_port"),
          as_time(pinhole.number_at("expires_in").value_or(0)),
          number(pinhole, "packets"),
          text(pinhole, "owner")};
}

std::string show_pinholes(const Json& pinholes) {
  std::vector<Row> rows{{"ID", "PROTO", "REMOTE HOST", "REMOTE PORT", "CLIENT", "PORT", "EXPIRES",
                         "PACKETS", "ASKED BY"}};
  for (std::size_t i = 0; i < pinholes.size(); ++i)
    rows.push_back(row_for_pinhole(*pinholes.at(i)));
  if (rows.size() == 1) return "no pinholes\n";
  return in_columns(rows);
}

std::string show_list(const Json& answer) {
  if (const auto pinholes = answer.at("pinholes")) return show_pinholes(*pinholes);
  std::vector<Row> rows{{"ID", "PROTO", "EXTERNAL", "REMOTE HOST", "CLIENT", "INTERNAL", "EXPIRES",
                         "PACKETS/BYTES", "DESCRIPTION"}};
  const auto mappings = answer.at("mappings");
  for (std::size_t i = 0; mappings && i < mappings->size(); ++i)
    rows.push_back(row_for(*mappings->at(i)));
  if (rows.size() == 1) return "no mappings\n";
  return in_columns(rows);
}

// ---- status ----

std::expected<Json, std::string> status_request(const std::vector<std::string>& words) {
  if (!words.empty()) return std::unexpected("status takes no words");
  Json request = Json::object();
  request.add("command", "status");
  return request;
}

std::string or_none(std::string text) {
  return text.empty() ? "(none)" : text;
}

void add_lan_rows(const Json& status, std::vector<Row>& rows) {
  const auto lans = status.at("lans");
  for (std::size_t i = 0; lans && i < lans->size(); ++i) {
    const Json lan = *lans->at(i);
    const std::string problem = text(lan, "problem");
    rows.push_back({"LAN", text(lan, "name"),
                    problem.empty()
                        ? text(lan, "address") + ", control on port " + number(lan, "http_port") +
                              ", events on port " + number(lan, "event_port")
                        : problem});
    if (const std::string addresses = text(lan, "ipv6_addresses"); !addresses.empty())
      rows.push_back({"", "", addresses + ", control on port " + number(lan, "ipv6_http_port")});
    if (const std::string fault = text(lan, "ipv6_problem"); !fault.empty())
      rows.push_back({"", "", "no IPv6: " + fault});
  }
}

void add_process_rows(const Json& status, std::vector<Row>& rows) {
  const auto processes = status.at("processes");
  for (std::size_t i = 0; processes && i < processes->size(); ++i) {
    const Json process = *processes->at(i);
    const std::string lan = text(process, "lan");
    const bool runs = process.number_at("pid").value_or(0) != 0;
    const std::string last_end = text(process, "last_end");
    rows.push_back({"process", text(process, "role") + (lan.empty() ? "" : " " + lan),
                    (runs ? "pid " + number(process, "pid") : text(process, "state")) + ", " +
                        number(process, "restarts") + " restarts" +
                        (last_end.empty() ? "" : ", last " + last_end)});
  }
}

void add_fault_rows(const Json& status, std::vector<Row>& rows) {
  std::vector<std::string> parts{"journal", "kernel", "identity", "igd"};
  const auto lans = status.at("lans");
  for (std::size_t i = 0; lans && i < lans->size(); ++i)
    for (const char* const part : {"announcer ", "LAN "})
      parts.push_back(part + lans->at(i)->text_at("name").value_or(""));
  const auto faults = status.at("faults");
  for (const std::string& part : parts)
    if (const std::string fault = faults ? text(*faults, part.c_str()) : ""; !fault.empty())
      rows.push_back({"fault", for_terminal(part), fault});
}

std::string show_status(const Json& answer) {
  std::vector<Row> rows{{"upnpd", text(answer, "version"), ""}};
  const auto wans = answer.at("wans");
  for (std::size_t i = 0; wans && i < wans->size(); ++i) {
    const Json wan = *wans->at(i);
    rows.push_back(
        {"WAN", or_none(text(wan, "interface")), or_none(text(wan, "external_address"))});
    if (const std::string note = text(wan, "note"); !note.empty()) rows.push_back({"", "", note});
  }
  add_lan_rows(answer, rows);
  if (const auto mappings = answer.at("mappings"))
    rows.push_back(
        {"mappings", number(*mappings, "count"), "of at most " + number(*mappings, "limit")});
  if (const auto pinholes = answer.at("pinholes"))
    rows.push_back({"pinholes", number(*pinholes, "count"),
                    pinholes->switch_at("allowed").value_or(true) ? "" : "not allowed"});
  rows.push_back({"IPv6", text(answer, "ipv6"), ""});
  add_process_rows(answer, rows);
  add_fault_rows(answer, rows);
  return in_columns(rows);
}

// ---- delete ----

std::expected<Json, std::string> delete_request(const std::vector<std::string>& words) {
  std::int64_t id = 0;
  const bool pinhole = words.size() == 2 && words[0] == "pinhole";
  const bool one = words.size() == 1 || pinhole;
  const char* const end = one ? words.back().data() + words.back().size() : nullptr;
  if (!one || std::from_chars(words.back().data(), end, id).ptr != end || id < 1)
    return std::unexpected(
        "delete takes one id, a number that upnpd-admin list mappings shows, or the word pinhole "
        "and one that upnpd-admin list pinholes shows");
  Json request = Json::object();
  request.add("command", "delete");
  request.add("what", pinhole ? "pinholes" : "mappings");
  request.add("id", id);
  return request;
}

std::string show_deleted(const Json& answer) {
  return "deleted " + text(answer, "what") + " " + number(answer, "deleted") + "\n";
}

// ---- reload ----

std::expected<Json, std::string> reload_request(const std::vector<std::string>& words) {
  if (!words.empty()) return std::unexpected("reload takes no words");
  Json request = Json::object();
  request.add("command", "reload");
  return request;
}

std::string show_reloaded(const Json& answer) {
  std::string lines = "the configuration is read anew\n";
  const auto notes = answer.at("notes");
  for (std::size_t i = 0; notes && i < notes->size(); ++i)
    lines += text(*notes->at(i), "note") + "\n";
  return lines;
}

constexpr Command kCommands[] = {
    {"list", "mappings", "show every port mapping", list_request, show_list},
    {"list", "pinholes", "show every IPv6 pinhole", list_request, show_list},
    {"status", "", "show addresses, processes, limits and faults", status_request, show_status},
    {"delete", "ID", "delete a mapping, whoever owns it", delete_request, show_deleted},
    {"delete", "pinhole ID", "delete a pinhole, whoever owns it", delete_request, show_deleted},
    {"reload", "", "read the configuration again, and keep every mapping it permits",
     reload_request, show_reloaded},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace upnpd::admin
