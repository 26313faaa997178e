// The bytes of an HTTP connection, with a Content-Length put into each POST that came without one
// and without chunks, as real clients send it. Its body is held until it ends: with the envelope,
// with the client's last byte, or where it is longer than any that is read. Pure.
//
// After a chunked request the connection goes on as it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace upnpd::igd {

class MissingLength {
 public:
  // Takes what came. Returns how many of its first bytes go on as they are, after what give() still
  // has; the others are held.
  std::size_t take(std::string_view came);
  // No more will come.
  void end();
  // Moves what goes on next into `buffer`; returns how much.
  std::size_t give(char* buffer, std::size_t size);

  // Whether what comes next decides how what is held goes on.
  bool is_holding() const { return !held_.empty(); }
  // Whether a body is being measured.
  bool is_measuring() const { return state_ == State::Measuring; }

 private:
  enum class State { Head, Body, Measuring, AsItIs };

  std::size_t scan(std::string_view bytes);
  std::size_t scan_line(std::string_view bytes);
  void take_line(std::string_view line);
  void end_head();
  void settle();
  bool measure();

  State state_ = State::Head;
  // Of the head that is being read.
  std::string line_;  // the current line's beginning
  bool has_request_line_ = false;
  bool is_post_ = false;
  bool has_length_ = false;
  bool is_chunked_ = false;
  std::size_t body_left_ = 0;

  std::string held_;  // in State::Measuring: the blank line and the body
  std::string ready_;
  std::size_t searched_ = 0;  // bytes of the body that hold no end of an envelope
  bool has_ended_ = false;
};

}  // namespace upnpd::igd
