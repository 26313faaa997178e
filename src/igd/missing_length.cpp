#include "missing_length.h"

#include <algorithm>
#include <charconv>

#include "soap_request.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

constexpr auto kNowhere = std::string_view::npos;
// Of a line's beginning as much as decides: a name and a number, with room for blanks.
constexpr std::size_t kKeptOfLine = 64;

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Where an envelope's end tag begins or might begin, from `from` on, and where it is over.
struct EndTag {
  std::size_t begin;
  std::size_t end;
};
EndTag find_envelope_end(std::string_view body, std::size_t from) {
  for (std::size_t begin = body.find("</", from); begin != kNowhere;
       begin = body.find("</", begin + 2)) {
    const std::size_t bracket = body.find('>', begin);
    if (bracket == kNowhere) return {begin, kNowhere};
    const std::string_view name = trimmed(body.substr(begin + 2, bracket - begin - 2));
    if (local_name(name) == "Envelope") return {begin, bracket + 1};
  }
  return {body.size() - (body.ends_with('<') ? 1 : 0), kNowhere};
}

}  // namespace

std::size_t MissingLength::take(std::string_view came) {
  std::size_t passed = 0;
  if (held_.empty()) passed = scan(came);
  held_ += came.substr(passed);
  if (!held_.empty()) settle();
  return passed;
}

void MissingLength::end() {
  has_ended_ = true;
  settle();
  ready_ += held_;
  held_.clear();
}

std::size_t MissingLength::give(char* buffer, std::size_t size) {
  if (ready_.empty()) return 0;
  const std::size_t given = ready_.copy(buffer, size);
  ready_.erase(0, given);
  return given;
}

// Reads on up to a body that is to be measured, or to a '\r' that could begin the line that ends a
// head; returns where that is.
std::size_t MissingLength::scan(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::Measuring) break;
    if (state_ == State::AsItIs) return bytes.size();
    if (state_ == State::Body) {
      const std::size_t part = std::min(body_left_, bytes.size() - at);
      at += part;
      body_left_ -= part;
      if (body_left_ == 0) state_ = State::Head;
      continue;
    }
    const std::size_t part = scan_line(bytes.substr(at));
    if (part == 0) break;
    at += part;
  }
  return at;
}

// Reads a line of the head, or what there is of it; returns how much goes on.
std::size_t MissingLength::scan_line(std::string_view bytes) {
  const std::size_t newline = bytes.find('\n');
  const bool could_end_head = has_request_line_ && line_.empty();
  if (could_end_head && newline == kNowhere && bytes == "\r") return 0;
  const std::string_view part = bytes.substr(0, newline);
  line_ += part.substr(0, kKeptOfLine - std::min(kKeptOfLine, line_.size()));
  if (newline == kNowhere) return bytes.size();
  const bool is_blank = without_return(line_).empty();
  if (!is_blank) take_line(without_return(line_));
  line_.clear();
  if (is_blank && has_request_line_) end_head();
  return state_ == State::Measuring ? 0 : newline + 1;
}

void MissingLength::take_line(std::string_view line) {
  if (!has_request_line_) {
    has_request_line_ = true;
    is_post_ = line.starts_with("POST ");
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == kNowhere) return;
  const std::string_view name = trimmed(line.substr(0, colon));
  if (equal_in_any_case(name, "Transfer-Encoding")) is_chunked_ = true;
  if (!equal_in_any_case(name, "Content-Length")) return;
  has_length_ = true;
  const std::string_view value = trimmed(line.substr(colon + 1));
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), body_left_);
  // What libmicrohttpd makes of another length is not known here.
  if (error != std::errc() || end != value.data() + value.size()) is_chunked_ = true;
}

void MissingLength::end_head() {
  if (is_chunked_)
    state_ = State::AsItIs;
  else if (has_length_)
    state_ = body_left_ == 0 ? State::Head : State::Body;
  else if (is_post_)
    state_ = State::Measuring;
  searched_ = 0;
  has_request_line_ = is_post_ = has_length_ = is_chunked_ = false;
}

// Makes ready what can go on of what is held.
void MissingLength::settle() {
  while (state_ != State::Measuring || measure()) {
    const std::size_t passed = scan(held_);
    ready_ += held_.substr(0, passed);
    held_.erase(0, passed);
    if (state_ != State::Measuring) return;
  }
}

// Makes the body ready with its length, when its end is known.
bool MissingLength::measure() {
  const std::size_t start = held_.find('\n') + 1;
  const std::string_view body = std::string_view(held_).substr(start);
  const EndTag tag = find_envelope_end(body, searched_);
  searched_ = tag.begin;
  std::size_t length = tag.end;
  if (length == kNowhere) {
    if (!has_ended_ && body.size() <= kMaxSoapBody) return false;
    length = body.size();
  }
  ready_ += "Content-Length: " + std::to_string(length) + "\r\n\r\n";
  ready_ += body.substr(0, length);
  held_.erase(0, start + length);
  state_ = State::Head;
  return true;
}

}  // namespace upnpd::igd
