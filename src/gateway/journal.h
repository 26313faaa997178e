// What the router must still know after a restart: one JSON line a change, appended, and now and
// then written anew without what is no longer true. Times are of the boot clock beside the boot's
// id, since a router's wall clock is wrong until it has asked somebody.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "fd.h"
#include "mapper.h"

namespace upnpd::gateway {

class Journal {
 public:
  struct Reading {
    std::vector<PortMapping> mappings;  // with the leases they have left, in this boot's time
    std::vector<Pinhole> pinholes;      // likewise
    // What has ended in this boot, as far as the file still says: established flows may go on.
    std::vector<PortMapping> ended;
    std::vector<Pinhole> ended_pinholes;
    MappingId last_id = 0;
    std::vector<std::string> problems;  // lines that were not understood, and what was done
    std::filesystem::path foreign;      // where a file of another program is now; "" = none
  };

  explicit Journal(std::filesystem::path file) : file_(std::move(file)) {}

  // What the file says at `now`. Lines that make no sense are passed over; a file that is not there
  // says nothing. One of another program, or that cannot be read, is put aside as FILE.foreign.
  Reading read(BootTime now) const;

  // Writes the file anew with what `mapper` holds alone, and appends from then on.
  void rewrite(const core::Mapper& mapper, BootTime now);

  // Appends what has happened, by the events of `outcome`. Rewrites by itself when most lines have
  // become untrue, and, at most once a second, when an earlier line could not be written.
  void append(const core::Outcome& outcome, const core::Mapper& mapper, BootTime now);

  // Whether lines wait for sync().
  bool needs_sync() const { return unsynced_; }
  // Brings what was appended to the disk. At most once a second, since flash wears.
  void sync();

  // What keeps the file from being written, in a line; "" when nothing does. Mappings go on.
  const std::string& fault() const { return fault_; }

 private:
  void write(const std::string& lines);
  void put_aside(const std::string& why, Reading& reading) const;

  std::filesystem::path file_;
  base::Fd fd_;
  std::size_t lines_ = 0;
  bool unsynced_ = false;
  BootTime rewritten_;
  std::string fault_;
};

}  // namespace upnpd::gateway
