#include "json.h"

#include <json-c/json.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

namespace upnpd::base {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::uintmax_t kMaxFile = 1024 * 1024;

json_object* made(json_object* value) {
  if (value == nullptr) std::abort();  // out of memory
  return value;
}

// json-c 0.18 takes the bytes of a letter beyond ASCII for control characters when it is strict.
bool is_strict_with_ascii_alone() {
  constexpr std::string_view kLetter = "\"\xc3\xbc\"";
  const std::unique_ptr<json_tokener, decltype(&json_tokener_free)> tokener(json_tokener_new(),
                                                                            &json_tokener_free);
  if (!tokener) return false;
  json_tokener_set_flags(tokener.get(), JSON_TOKENER_STRICT);
  json_object_put(json_tokener_parse_ex(tokener.get(), kLetter.data(), kLetter.size()));
  return json_tokener_get_error(tokener.get()) != json_tokener_success;
}

json_object* member(json_object* object, const char* key, json_type type) {
  json_object* value = nullptr;
  if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
    return nullptr;
  return value;
}

}  // namespace

Json Json::object() {
  return Json(made(json_object_new_object()));
}
Json Json::array() {
  return Json(made(json_object_new_array()));
}
Json Json::shared(json_object* borrowed) {
  return Json(json_object_get(borrowed));
}
Json::Json(Json&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
Json& Json::operator=(Json&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}
Json::~Json() {
  json_object_put(value_);
}

std::optional<Json> Json::parse(std::string_view text) {
  const std::unique_ptr<json_tokener, decltype(&json_tokener_free)> tokener(
      json_tokener_new_ex(kMaxDepth), &json_tokener_free);
  if (!tokener) return std::nullopt;
  static const int kFlags = is_strict_with_ascii_alone() ? 0 : JSON_TOKENER_STRICT;
  json_tokener_set_flags(tokener.get(), kFlags);
  json_object* const value =
      json_tokener_parse_ex(tokener.get(), text.data(), static_cast<int>(text.size()));
  Json result(value);
  if (value == nullptr || json_tokener_get_error(tokener.get()) != json_tokener_success)
    return std::nullopt;
  if (text.find_first_not_of(" \t\r\n", json_tokener_get_parse_end(tokener.get())) !=
      std::string_view::npos)
    return std::nullopt;
  return result;
}

std::optional<Json> Json::read_file(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::file_size(file, error) > kMaxFile || error) return std::nullopt;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return parse(text.str());
}

void Json::add(const char* key, std::string_view text) const {
  json_object_object_add(
      value_, key, made(json_object_new_string_len(text.data(), static_cast<int>(text.size()))));
}
void Json::add(const char* key, std::int64_t number) const {
  json_object_object_add(value_, key, made(json_object_new_int64(number)));
}
void Json::add_switch(const char* key, bool value) const {
  json_object_object_add(value_, key, made(json_object_new_boolean(value)));
}
void Json::add_null(const char* key) const {
  json_object_object_add(value_, key, nullptr);
}
void Json::add(const char* key, Json value) const {
  json_object_object_add(value_, key, std::exchange(value.value_, nullptr));
}
void Json::append(Json value) const {
  json_object_array_add(value_, std::exchange(value.value_, nullptr));
}

std::optional<std::string> Json::text_at(const char* key) const {
  json_object* const value = member(value_, key, json_type_string);
  if (value == nullptr) return std::nullopt;
  return std::string(json_object_get_string(value), std::size_t(json_object_get_string_len(value)));
}
std::optional<std::int64_t> Json::number_at(const char* key) const {
  json_object* const value = member(value_, key, json_type_int);
  return value == nullptr ? std::nullopt : std::optional(json_object_get_int64(value));
}
std::optional<bool> Json::switch_at(const char* key) const {
  json_object* const value = member(value_, key, json_type_boolean);
  return value == nullptr ? std::nullopt : std::optional(json_object_get_boolean(value) != 0);
}
std::optional<Json> Json::at(const char* key) const {
  json_object* value = nullptr;
  if (!json_object_object_get_ex(value_, key, &value) || value == nullptr) return std::nullopt;
  return shared(value);
}
bool Json::is_null_at(const char* key) const {
  json_object* value = nullptr;
  return json_object_object_get_ex(value_, key, &value) != 0 && value == nullptr;
}
std::size_t Json::size() const {
  return json_object_is_type(value_, json_type_array) != 0 ? json_object_array_length(value_) : 0;
}
std::optional<Json> Json::at(std::size_t index) const {
  if (index >= size()) return std::nullopt;
  return shared(json_object_array_get_idx(value_, index));
}

std::string Json::text() const {
  return json_object_to_json_string_ext(value_,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
std::string Json::pretty_text() const {
  return json_object_to_json_string_ext(
      value_, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

}  // namespace upnpd::base
