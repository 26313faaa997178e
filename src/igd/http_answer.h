// What a HTTP request is answered with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace upnpd::igd {

enum class HttpStatus : std::uint16_t {
  Ok = 200,
  BadRequest = 400,
  Forbidden = 403,
  NotFound = 404,
  MethodNotAllowed = 405,
  LengthRequired = 411,
  ContentTooLarge = 413,
  UnsupportedMediaType = 415,
  InternalServerError = 500,
};

struct HttpAnswer {
  HttpStatus status = HttpStatus::Ok;
  std::string body = {};         // an XML document, or empty
  std::string_view allow = {};   // the Allow header's value, with MethodNotAllowed
  std::string_view reason = {};  // for the log, with a refusal
};

}  // namespace upnpd::igd
