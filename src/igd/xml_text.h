// Small pure functions over the text of XML documents and HTTP headers.
#pragma once

#include <string>
#include <string_view>

namespace upnpd::igd {

// `text` as character data or as an attribute value in double quotes: & < > " become entities,
// control characters, which XML 1.0 cannot hold, become blanks. Expects UTF-8.
std::string escape_xml(std::string_view text);

// `text` without the blanks, tabs and line ends around it.
std::string_view trimmed(std::string_view text);

// A qualified name without its prefix: "u:AddPortMapping" is "AddPortMapping".
std::string_view local_name(std::string_view qualified_name);

// Whether both are the same but for the case of ASCII letters.
bool equal_in_any_case(std::string_view left, std::string_view right);

}  // namespace upnpd::igd
