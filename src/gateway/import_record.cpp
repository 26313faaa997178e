#include "import_record.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "log.h"

namespace upnpd::gateway {
namespace {

// The file by its path, its size and when it was last written.
std::string line_for(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return file.string();
  return std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec) + " " + file.string();
}

}  // namespace

ImportRecord::ImportRecord(std::filesystem::path file) : file_(std::move(file)) {
  std::ifstream lines(file_);
  for (std::string line; std::getline(lines, line);)
    lines_.insert(line);
}

bool ImportRecord::has(const std::filesystem::path& imported) const {
  return lines_.contains(line_for(imported));
}

std::string ImportRecord::note(const std::filesystem::path& imported) {
  const std::string line = line_for(imported);
  lines_.insert(line);
  errno = 0;
  std::ofstream lines(file_, std::ios::app);
  lines << line << "\n" << std::flush;
  if (lines) return "";
  return base::with_errno(
      imported.string() + " will be imported again at the next start: " + file_.string(), errno);
}

}  // namespace upnpd::gateway
