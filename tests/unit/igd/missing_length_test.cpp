#include "missing_length.h"

#include <doctest/doctest.h>

#include <string>

#include "soap_request.h"

using upnpd::igd::MissingLength;

namespace {

const std::string kEnvelope = "<s:Envelope><s:Body>a</s:Body></s:Envelope>";

std::string post(const std::string& headers, const std::string& body) {
  return "POST /control HTTP/1.1\r\n" + headers + "\r\n" + body;
}
std::string with_length(std::size_t length) {
  return "Content-Length: " + std::to_string(length) + "\r\n";
}

// What goes on of `sent`, when it comes in parts of `size` bytes.
std::string passed(MissingLength& length, std::string sent, std::size_t size) {
  std::string all;
  for (std::size_t at = 0; at < sent.size(); at += size) {
    const std::string part = sent.substr(at, size);
    all += part.substr(0, length.take(part));
    char given[7];
    while (const std::size_t count = length.give(given, sizeof given))
      all.append(given, count);
  }
  return all;
}

std::string rest(MissingLength& length) {
  length.end();
  std::string all(100'000, '\0');
  all.resize(length.give(all.data(), all.size()));
  return all;
}

}  // namespace

TEST_SUITE("missing_length") {
  TEST_CASE("a POST without a length is given that of its envelope, however it comes in parts") {
    for (std::size_t size = 1; size < 200; ++size) {
      CAPTURE(size);
      MissingLength length;
      CHECK(passed(length, post("Host: a\r\n", kEnvelope), size) ==
            post("Host: a\r\n" + with_length(kEnvelope.size()), kEnvelope));
      CHECK_FALSE(length.is_holding());
    }
  }

  TEST_CASE("what has a length, chunks or no body goes on as it is") {
    for (const std::string& sent : {
             post("Content-Length: 43\r\n", kEnvelope),
             post("content-length:43 \r\nHost: a\r\n", kEnvelope),
             post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
             post("Content-Length: 0\r\n", ""),
             post("Content-Length: x\r\n", kEnvelope),
             std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
             std::string("\r\n\r\nGET / HTTP/1.1\n\n"),
             std::string("\x16\x03\x01\r\r\r\n"),
         })
      for (std::size_t size = 1; size < 90; ++size) {
        CAPTURE(sent);
        CAPTURE(size);
        MissingLength length;
        CHECK(passed(length, sent + sent, size) == sent + sent);
        CHECK_FALSE(length.is_holding());
      }
  }

  TEST_CASE("requests of every kind follow one another on one connection") {
    const std::string known = post(with_length(kEnvelope.size()), kEnvelope);
    const std::string missing = post("", kEnvelope);
    const std::string get = "GET / HTTP/1.1\r\n\r\n";
    for (std::size_t size = 1; size < 400; size += 3) {
      CAPTURE(size);
      MissingLength length;
      CHECK(passed(length, known + missing + get + missing + "\r\n" + missing + known, size) ==
            known + known + get + known + "\r\n" + known + known);
    }
  }

  TEST_CASE("the end tag is known by its name, whatever its prefix and blanks") {
    for (const char* tag : {"</Envelope>", "</SOAP-ENV:Envelope>", "</s:Envelope \r\n>"}) {
      CAPTURE(tag);
      const std::string body = std::string("<a></a><Envelope/></Enve></s:EnvelopeX>") + tag;
      MissingLength length;
      CHECK(passed(length, post("", body), 1) == post(with_length(body.size()), body));
    }
  }

  TEST_CASE("a body that ends without its envelope's end is what came, and may be nothing") {
    for (const std::string body : {"<s:Envelope><s:Body>", "NewExternalPort=80", "", "</"}) {
      CAPTURE(body);
      MissingLength length;
      CHECK(passed(length, post("Host: a\r\n", body), 5) ==
            "POST /control HTTP/1.1\r\nHost: a\r\n");
      CHECK(length.is_measuring());
      CHECK(rest(length) == with_length(body.size()) + "\r\n" + body);
    }
  }

  TEST_CASE("a connection that ends in a head ends there") {
    MissingLength length;
    CHECK(passed(length, "POST / HTTP/1.1\r\nHost: a\r\n\r", 4) ==
          "POST / HTTP/1.1\r\nHost: a\r\n");
    CHECK_FALSE(length.is_measuring());
    CHECK(rest(length) == "\r");
  }

  TEST_CASE("a body longer than any that is read is not held") {
    const std::size_t limit = upnpd::igd::kMaxSoapBody;
    MissingLength length;
    CHECK(passed(length, post("", std::string(limit, 'x')), 1000) == "POST /control HTTP/1.1\r\n");
    CHECK(passed(length, "x", 1) == with_length(limit + 1) + "\r\n" + std::string(limit + 1, 'x'));
    CHECK_FALSE(length.is_holding());
  }
}
