// A visitor of a std::variant, written as one lambda an alternative.
#pragma once

namespace upnpd::base {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace upnpd::base
