// The SOAP requests of a run: the action, and how the ports go on from one request to the next.
#pragma once

#include <string>

#include "gateway.h"

namespace upnpd::bench {

// Pairs adds and deletes the same port in turns; Generic goes by index, Specific by port.
enum class Action { Add, Delete, Pairs, Specific, Generic, List, External };

struct Range {
  unsigned first;   // port, or index for Generic
  unsigned count;   // of ports or indexes; then it begins again
  unsigned stride;  // between one request and the next; has no divisor in common with `count`
};

class SoapRequests {
 public:
  SoapRequests(const Gateway& gateway, Action action, Range range, unsigned connections,
               bool keep_alive);

  bool are_pairs() const { return action_ == Action::Pairs; }
  // The HTTP request number `index`, as `client` sends it.
  std::string make(unsigned index, const std::string& client) const;

 private:
  std::string arguments(Action action, unsigned port, const std::string& client) const;
  std::string envelope(Action action, const std::string& arguments) const;

  const Gateway& gateway_;
  Action action_;
  Range range_;
  unsigned connections_;
  bool keep_alive_;
};

// Ends the program for an unknown word.
Action parse_action(const std::string& word);

}  // namespace upnpd::bench
