#include "identity.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "fd.h"
#include "json.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

std::array<std::uint8_t, 16> random_bytes() {
  std::array<std::uint8_t, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) std::abort();
  return bytes;
}

std::string hex(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// RFC 4122 section 4.4: version and variant have their bits, all others are random.
std::string random_uuid() {
  auto bytes = random_bytes();
  bytes[6] = std::uint8_t((bytes[6] & 0x0f) | 0x40);
  bytes[8] = std::uint8_t((bytes[8] & 0x3f) | 0x80);
  std::string text = hex(bytes);
  for (const std::size_t dash : {8u, 13u, 18u, 23u})
    text.insert(dash, "-");
  return text;
}

bool is_token(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Whether nobody else can have written `file`: in a directory like /tmp another user may have been
// first, and would know the secret.
bool is_our_own(const std::filesystem::path& file) {
  struct stat status {};
  return ::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == ::geteuid();
}

std::string write_new(const std::filesystem::path& file, const Identity& identity) {
  const base::Json object = base::Json::object();
  object.add("uuid", identity.uuid);
  object.add("path_token", identity.path_token);
  const std::string text = object.text() + "\n";
  const std::filesystem::path fresh = file.string() + ".new";
  const base::Fd fd(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  const bool written = fd && ::write(fd.get(), text.data(), text.size()) == ssize_t(text.size()) &&
                       ::fsync(fd.get()) == 0 && ::rename(fresh.c_str(), file.c_str()) == 0;
  if (written) return "";
  return base::with_errno("the device's identity cannot be kept in " + file.string() +
                              ", clients have to find it anew after a restart; lease_file may name "
                              "another place",
                          errno);
}

}  // namespace

IdentityReading load_identity(const std::filesystem::path& file) {
  const auto object = is_our_own(file) ? base::Json::read_file(file) : std::nullopt;
  if (object) {
    Identity identity{object->text_at("uuid").value_or(""),
                      object->text_at("path_token").value_or("")};
    if (identity.uuid.size() == 36 && is_token(identity.path_token)) return {identity, ""};
  }
  const Identity fresh{random_uuid(), hex(random_bytes())};
  return {fresh, write_new(file, fresh)};
}

DeviceIdentity device_identity(const Identity& identity, const Config& config) {
  return {
      identity.uuid,           identity.path_token, config.friendly_name,     config.manufacturer,
      config.manufacturer_url, config.model_name,   config.model_description, config.model_number,
      config.model_url,        config.serial,       config.presentation_url};
}

}  // namespace upnpd::gateway
