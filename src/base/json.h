// JSON values over json-c, owned. Looking into a value never fails hard: what is not there, or of
// another type, is no value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct json_object;

namespace upnpd::base {

class Json {
 public:
  static Json object();
  static Json array();
  // No value when `text` is not one whole JSON value (nesting at most 16 deep).
  static std::optional<Json> parse(std::string_view text);
  // The value in a file of at most 1 MiB; no value also when it cannot be read.
  static std::optional<Json> read_file(const std::filesystem::path& file);

  Json(Json&& other) noexcept;
  Json& operator=(Json&& other) noexcept;
  Json(const Json&) = delete;
  Json& operator=(const Json&) = delete;
  ~Json();

  // Adding to an object.
  void add(const char* key, std::string_view text) const;
  void add(const char* key, const char* text) const { add(key, std::string_view(text)); }
  void add(const char* key, std::int64_t number) const;
  void add_switch(const char* key, bool value) const;
  void add_null(const char* key) const;
  void add(const char* key, Json value) const;
  // Adding to an array.
  void append(Json value) const;

  // Looking into an object.
  std::optional<std::string> text_at(const char* key) const;
  std::optional<std::int64_t> number_at(const char* key) const;
  std::optional<bool> switch_at(const char* key) const;
  std::optional<Json> at(const char* key) const;
  bool is_null_at(const char* key) const;
  // Looking into an array.
  std::size_t size() const;
  std::optional<Json> at(std::size_t index) const;

  std::string text() const;         // on one line
  std::string pretty_text() const;  // for people

 private:
  explicit Json(json_object* owned) : value_(owned) {}
  static Json shared(json_object* borrowed);
  json_object* value_;
};

}  // namespace upnpd::base
