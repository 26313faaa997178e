// Going into the background (daemon(3)), with an answer for who started the program: it waits until
// the start has succeeded or failed, and ends with that.
#pragma once

#include <expected>
#include <string>

#include "fd.h"

namespace upnpd::base {

class Background {
 public:
  // Returns in a new process, in a session of its own, its directory "/" and its standard streams
  // /dev/null. The process that called ends when told by report(): with 0, or with 1 and the fault
  // on standard error; with 1 too when the new one ends before that. An error: no new process.
  static std::expected<Background, std::string> enter();

  // What came of the start; "" = it has succeeded. Once.
  void report(const std::string& fault);

 private:
  explicit Background(Fd starter) : starter_(std::move(starter)) {}
  Fd starter_;
};

}  // namespace upnpd::base
