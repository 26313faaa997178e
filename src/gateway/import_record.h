// Which files have been imported, so that each is once: what a client deletes later must not come
// back at the next start. Kept beside the journal, and not in the imported file's name, which may
// be on a read-only place or still wanted by the program that wrote it.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace upnpd::gateway {

class ImportRecord {
 public:
  // Reads the record in `file`; one that is not there is empty.
  explicit ImportRecord(std::filesystem::path file);

  // Whether `imported`, as it is now, has been noted. One that was written to since is another.
  bool has(const std::filesystem::path& imported) const;
  // Notes it. A line that says why that could not be kept, or "".
  std::string note(const std::filesystem::path& imported);

 private:
  std::filesystem::path file_;
  std::set<std::string> lines_;
};

}  // namespace upnpd::gateway
