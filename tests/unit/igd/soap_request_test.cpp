#include "soap_request.h"

#include <doctest/doctest.h>

#include "soap_builder.h"

using namespace upnpd::igd;
using upnpd::test::a_call;
using upnpd::test::in_soap_envelope;

namespace {

std::string value_in(const std::string& body, std::string_view name) {
  const auto request = parse_soap_request(body);
  REQUIRE(request);
  const auto value = find_argument(*request, name);
  return value ? std::string(*value) : "(absent)";
}

SoapError error_of(std::string_view body) {
  const auto request = parse_soap_request(body);
  REQUIRE_FALSE(request);
  return request.error();
}

}  // namespace

TEST_SUITE("soap_request") {
  TEST_CASE("the action is Body's first element, arguments are found by name") {
    const auto request =
        parse_soap_request(a_call("AddPortMapping").with("B", "2").with("A", "1").body());
    REQUIRE(request);
    CHECK(request->action == "AddPortMapping");
    CHECK(find_argument(*request, "A") == "1");
    CHECK(find_argument(*request, "B") == "2");
    CHECK_FALSE(find_argument(*request, "C"));
  }

  TEST_CASE("prefixes do not matter, as Windows and Xbox write them") {
    const auto request = parse_soap_request(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" "
        "SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><SOAP-ENV:Body>"
        "<m:AddPortMapping xmlns:m=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
        "<NewRemoteHost xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" "
        "dt:dt=\"string\"></NewRemoteHost>"
        "<NewExternalPort xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" "
        "dt:dt=\"ui2\">3074</NewExternalPort>"
        "<u:NewProtocol>UDP</u:NewProtocol>"
        "</m:AddPortMapping></SOAP-ENV:Body></SOAP-ENV:Envelope>");
    REQUIRE(request);
    CHECK(request->action == "AddPortMapping");
    CHECK(find_argument(*request, "NewRemoteHost") == "");
    CHECK(find_argument(*request, "NewExternalPort") == "3074");
    CHECK(find_argument(*request, "NewProtocol") == "UDP");
  }

  TEST_CASE("no prefix, an undeclared one, a default namespace: all the same") {
    for (const char* body : {"<Envelope><Body><A/></Body></Envelope>",
                             "<x:Envelope><y:Body><z:A/></y:Body></x:Envelope>",
                             "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body><A "
                             "xmlns='urn:x'/></Body></Envelope>"})
      CHECK(parse_soap_request(body)->action == "A");
  }

  TEST_CASE("a Header, comments and a byte order mark are passed over") {
    CHECK(parse_soap_request("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- x "
                             "--><s:Envelope><s:Header>"
                             "<s:Body><Evil/></s:Body></s:Header><!-- y --><s:Body> <!-- z --> "
                             "<u:A/></s:Body></s:Envelope>")
              ->action == "A");
  }

  TEST_CASE("empty and nil elements are empty text, blanks around text go") {
    const auto body =
        a_call("A").with_raw("<B/><C></C><D xsi:nil=\"true\"/><E> \r\n\t8080 \n</E>").body();
    CHECK(value_in(body, "B") == "");
    CHECK(value_in(body, "C") == "");
    CHECK(value_in(body, "D") == "");
    CHECK(value_in(body, "E") == "8080");
  }

  TEST_CASE("references, CDATA and comments within text become one text") {
    const auto body =
        a_call("A").with_raw("<B>a&lt;&amp;&#65;<![CDATA[<c>]]><!-- d -->e<f>g</f>h</B>").body();
    CHECK(value_in(body, "B") == "a<&A<c>eh");
  }

  TEST_CASE("an argument twice is an error") {
    CHECK(error_of(a_call("A").with("B", "1").with("B", "1").body()) ==
          SoapError::RepeatedArgument);
  }

  TEST_CASE("a document without an action in an Envelope's Body has none") {
    for (const char* body : {"<a/>", "<Envelope/>", "<Envelope><Header><A/></Header></Envelope>",
                             "<Envelope><Body/></Envelope>", "<Envelope><Body>A</Body></Envelope>",
                             "<x><Envelope><Body><A/></Body></Envelope></x>"})
      CHECK(error_of(body) == SoapError::NoAction);
  }

  TEST_CASE("what is not a well-formed document is malformed") {
    const std::string good = in_soap_envelope("<A/>");
    for (const std::string& body :
         {std::string(), std::string("x"), std::string("{\"a\":1}"),
          good.substr(0, good.size() - 1), std::string("<Envelope><Body><A></Body></Envelope>"),
          "<!DOCTYPE a>" + good, std::string("\xff\xfe<\0a\0/\0>\0", 10),
          in_soap_envelope("<A b=></A>")})
      CHECK(error_of(body) == SoapError::Malformed);
  }

  TEST_CASE("every cut of a request, and every byte of it changed, is read or refused") {
    const std::string body = upnpd::test::an_add_port_mapping().body();
    for (std::size_t i = 0; i < body.size(); ++i) {
      CHECK_FALSE(parse_soap_request(body.substr(0, i)));
      for (const char c : {'<', '>', '&', '"', '\0', '\xff', '!'}) {
        std::string changed = body;
        changed[i] = c;
        static_cast<void>(parse_soap_request(changed));
      }
    }
  }

  TEST_CASE("a body over the limit, and one nested too deeply, are malformed") {
    CHECK(parse_soap_request(a_call("A").with("B", std::string(15'000, 'x')).body()));
    CHECK(error_of(a_call("A").with("B", std::string(kMaxSoapBody, 'x')).body()) ==
          SoapError::Malformed);
    std::string deep;
    for (int i = 0; i < 5000; ++i)
      deep += "<a>";
    CHECK(error_of(deep) == SoapError::Malformed);
  }

  TEST_CASE("a description that was not escaped is text, whatever it looks like") {
    const auto described = [](std::string_view raw) -> std::optional<std::string> {
      const auto request = parse_soap_request(
          upnpd::test::a_call("A").with("NewPortMappingDescription", raw).with("Next", "1").body());
      if (!request || find_argument(*request, "Next") != "1") return std::nullopt;
      return std::string(*find_argument(*request, "NewPortMappingDescription"));
    };
    for (const char* const raw :
         {"a & b", "<", "a < b", "<b>x</i>", "</Body>", "x > y", "<?", "&&<&"})
      CHECK(described(raw) == raw);
    CHECK(described("<![CDATA[a < b]]>") == "a < b");
    CHECK(described("a &lt; b") == "a < b");
    CHECK_FALSE(described("<!DOCTYPE a>"));
    for (const char* const body : {"<NewPortMappingDescription", "<NewPortMappingDescription>",
                                   "NewPortMappingDescription", "><NewPortMappingDescription/>",
                                   "</NewPortMappingDescription><NewPortMappingDescription>",
                                   "<NewPortMappingDescription><</NewPortMappingDescription"})
      CHECK_FALSE(parse_soap_request(body));
  }
}
