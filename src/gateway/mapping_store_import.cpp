// What another program's lease files hold, taken into the table at the start: once, and as far as
// policy permits.
#include <cerrno>
#include <fstream>
#include <sstream>

#include "clock.h"
#include "import_record.h"
#include "log.h"
#include "mapping_store.h"
#include "peer_leases.h"

namespace upnpd::gateway {
namespace {

// 2020: upnpd is younger. A clock that says less has not been set.
constexpr std::int64_t kFirstDate = 1577836800;
constexpr std::uintmax_t kMaxFile = 16 << 20;

std::optional<std::int64_t> date() {
  const std::int64_t seconds = base::wall_seconds();
  return seconds < kFirstDate ? std::nullopt : std::optional(seconds);
}

std::expected<std::string, std::string> text_of(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::error_code error;
  if (std::filesystem::file_size(file, error) > kMaxFile)
    return std::unexpected(file.string() + " is too long to be imported");
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream) return std::unexpected(base::with_errno(file.string() + " is not imported", errno));
  return text.str();
}

}  // namespace

void MappingStore::import_leases(const std::filesystem::path& left_behind, BootTime now) {
  ImportRecord record(config_.lease_file.string() + ".imported");
  std::vector<std::filesystem::path> imported;
  for (const auto& file : {config_.import_lease_file, config_.import_lease_file6, left_behind}) {
    std::error_code ignored;
    if (file.empty() || file == config_.lease_file || !std::filesystem::exists(file, ignored) ||
        record.has(file))
      continue;
    if (import_file(file, now)) imported.push_back(file);
  }
  if (imported.empty()) return;
  // First what was imported, then that it was.
  journal_.rewrite(mapper_, now);
  if (!journal_.fault().empty()) return;
  for (const std::filesystem::path& file : imported)
    if (const std::string problem = record.note(file); !problem.empty()) base::log_warning(problem);
}

bool MappingStore::import_file(const std::filesystem::path& file, BootTime now) {
  const auto text = text_of(file);
  if (!text) {
    base::log_warning(text.error());
    return false;
  }
  const PeerLeases leases = read_peer_leases(*text, now, date());
  const std::size_t before = mapper_.table().size() + mapper_.pinholes().size();
  for (PortMapping mapping : leases.mappings) {
    // What is there is newer.
    if (mapper_.table().find_conflict(mapping.key.protocol, mapping.key.external_port,
                                      mapping.client) != nullptr ||
        mapper_.table().find(mapping.key) != nullptr || is_full())
      continue;
    mapping.id = mapper_.next_id();
    put_back(mapping, now);
  }
  for (const Pinhole& pinhole : leases.pinholes)
    if (!is_full()) put_back(pinhole, now);
  const std::size_t taken = mapper_.table().size() + mapper_.pinholes().size() - before;
  base::log_notice(file.string() + ": " + std::to_string(taken) + " of " +
                   std::to_string(leases.mappings.size() + leases.pinholes.size()) +
                   " leases imported, " + std::to_string(leases.ended) + " had ended, " +
                   std::to_string(leases.not_understood.size()) + " lines not understood");
  return true;
}

bool MappingStore::is_full() const {
  return mapper_.table().size() + mapper_.pinholes().size() >= config_.policy.limits.mappings;
}

}  // namespace upnpd::gateway
