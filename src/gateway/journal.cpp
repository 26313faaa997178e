#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>

#include "journal_lines.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

constexpr std::size_t kLinesBeforeRewrite = 1000;
constexpr std::size_t kMaxProblems = 5;
constexpr std::size_t kPiece = 64 * 1024;  // written at a time
constexpr std::chrono::seconds kBetweenAttempts{1};

std::string this_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

// What the lines read so far add up to. What has ended is no longer there after a rewrite.
struct State {
  std::string boot_id;
  std::map<MappingId, PortMapping> mappings;
  std::map<UniqueId, Pinhole> pinholes;
  std::vector<PortMapping> ended;
  std::vector<Pinhole> ended_pinholes;
  BootTime last_written;  // the latest moment the previous run is known to have lived
  MappingId last_id = 0;

  void take(const HeaderLine& header) {
    boot_id = header.boot_id;
    last_id = std::max(last_id, header.next_id == 0 ? 0 : header.next_id - 1);
  }
  void take(PutLine put) {
    const MappingId id = put.mapping.id;
    if (const auto before = mappings.find(id); before != mappings.end())
      end({core::MappingEvent::Kind::Replaced, put.mapping, before->second});
    mappings.insert_or_assign(id, std::move(put.mapping));
    last_written = std::max(last_written, put.written);
    last_id = std::max(last_id, id);
  }
  void take(const GoneLine& gone) {
    if (const auto mapping = mappings.extract(gone.id)) ended.push_back(mapping.mapped());
    last_written = std::max(last_written, gone.written);
  }
  void take(const PinholeLine& put) {
    pinholes.insert_or_assign(put.pinhole.id, put.pinhole);
    last_written = std::max(last_written, put.written);
  }
  void take(const PinholeGoneLine& gone) {
    if (const auto pinhole = pinholes.extract(gone.id)) ended_pinholes.push_back(pinhole.mapped());
    last_written = std::max(last_written, gone.written);
  }
  void end(const core::MappingEvent& event) {
    if (auto closed = core::closed_by(event)) ended.push_back(*std::move(closed));
  }
};

std::string line_for(const core::MappingEvent& event, BootTime now) {
  using enum core::MappingEvent::Kind;
  switch (event.kind) {
    case Added:
    case Replaced: return to_line(PutLine{now, event.mapping});
    case Deleted:
    case Expired: return to_line(GoneLine{now, event.mapping.id});
  }
  return "";
}

std::string line_for(const core::PinholeEvent& event, BootTime now) {
  using enum core::PinholeEvent::Kind;
  switch (event.kind) {
    case Added:
    case Renewed: return to_line(PinholeLine{now, event.pinhole});
    case Deleted:
    case Expired: return to_line(PinholeGoneLine{now, event.pinhole.id});
  }
  return "";
}

}  // namespace

Journal::Reading Journal::read(BootTime now) const {
  Reading reading;
  State state;
  errno = 0;
  std::ifstream file(file_, std::ios::binary);
  const int error = file ? 0 : errno;
  if (error == ENOENT) return reading;
  std::string text;
  std::size_t number = 0;
  std::size_t understood = 0;
  while (std::getline(file, text)) {
    ++number;
    if (auto line = parse_line(text)) {
      ++understood;
      std::visit([&](auto& l) { state.take(std::move(l)); }, *line);
    } else if (reading.problems.size() < kMaxProblems) {
      reading.problems.push_back(file_.string() + ":" + std::to_string(number) +
                                 ": not understood, passed over");
    }
  }
  if (error != 0 || file.bad())
    put_aside(base::with_errno("cannot be read", error != 0 ? error : EIO), reading);
  else if (number > 0 && understood == 0)
    put_aside("is not a journal of upnpd", reading);
  const bool same_boot = state.boot_id == this_boot();
  if (same_boot) {
    reading.ended = std::move(state.ended);
    reading.ended_pinholes = std::move(state.ended_pinholes);
  }
  for (auto& [id, mapping] : state.mappings) {
    // After a reboot the time that passed in between is unknown: the lease has what it had left
    // when the journal was last written.
    if (mapping.expires && !same_boot) *mapping.expires += now - state.last_written;
    (has_expired(mapping, now) ? reading.ended : reading.mappings).push_back(std::move(mapping));
  }
  for (auto& [id, pinhole] : state.pinholes) {
    if (!same_boot) pinhole.expires += now - state.last_written;
    (has_expired(pinhole, now) ? reading.ended_pinholes : reading.pinholes).push_back(pinhole);
  }
  reading.last_id = state.last_id;
  return reading;
}

void Journal::put_aside(const std::string& why, Reading& reading) const {
  const std::string aside = file_.string() + ".foreign";
  std::error_code ignored;
  const bool moved = std::filesystem::is_regular_file(file_, ignored) &&
                     ::rename(file_.c_str(), aside.c_str()) == 0;
  reading.foreign = moved ? std::filesystem::path(aside) : file_;
  reading.problems = {file_.string() + " " + why + (moved ? "; it is kept as " + aside : "")};
}

void Journal::rewrite(const core::Mapper& mapper, BootTime now) {
  const std::filesystem::path fresh = file_.string() + ".new";
  fd_ = base::Fd(::open(fresh.c_str(),
                        O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  fault_.clear();
  rewritten_ = now;
  if (!fd_) {
    fault_ =
        base::with_errno("leases cannot be kept in " + fresh.string() +
                             " and would be lost by a reboot; lease_file may name another place",
                         errno);
    return;
  }
  std::string lines = to_line(HeaderLine{this_boot(), mapper.next_id()});
  const auto put = [&](const JournalLine& line) {
    lines += to_line(line);
    if (lines.size() < kPiece || !fault_.empty()) return;
    write(lines);
    lines.clear();
  };
  mapper.table().for_each([&](const PortMapping& mapping) { put(PutLine{now, mapping}); });
  mapper.pinholes().for_each([&](const Pinhole& pinhole) { put(PinholeLine{now, pinhole}); });
  if (fault_.empty()) write(lines);
  lines_ = mapper.table().size() + mapper.pinholes().size() + 1;
  if (fault_.empty()) sync();
  if (fault_.empty() && ::rename(fresh.c_str(), file_.c_str()) != 0)
    fault_ = base::with_errno("leases cannot be kept in " + file_.string(), errno);
  if (!fault_.empty()) {
    fd_ = base::Fd();
    ::unlink(fresh.c_str());
  }
}

void Journal::append(const core::Outcome& outcome, const core::Mapper& mapper, BootTime now) {
  if (!outcome.has_events()) return;
  lines_ += outcome.events.size() + outcome.pinhole_events.size();
  const std::size_t true_lines = mapper.table().size() + mapper.pinholes().size();
  const bool too_long = lines_ > 2 * true_lines + kLinesBeforeRewrite;
  const bool broken = !fault_.empty() && now - rewritten_ >= kBetweenAttempts;
  if (too_long || broken) {
    rewrite(mapper, now);
    return;
  }
  std::string lines;
  for (const core::MappingEvent& event : outcome.events)
    lines += line_for(event, now);
  for (const core::PinholeEvent& event : outcome.pinhole_events)
    lines += line_for(event, now);
  if (fault_.empty()) write(lines);
}

void Journal::write(const std::string& lines) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      fault_ = base::with_errno(
          "leases cannot be kept in " + file_.string() + " and would be lost by a reboot", errno);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  unsynced_ = true;
}

void Journal::sync() {
  unsynced_ = false;
  if (fd_ && ::fdatasync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS)
    fault_ = base::with_errno("leases cannot be kept in " + file_.string(), errno);
}

}  // namespace upnpd::gateway
