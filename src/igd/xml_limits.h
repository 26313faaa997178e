// A look over an XML document before a tree is built of it: what a hostile one would cost is known
// beforehand. One pass, constant memory.
#pragma once

#include <cstddef>
#include <string_view>

namespace upnpd::igd {

struct XmlLimits {
  std::size_t depth = 64;
  std::size_t elements = 512;
};

// Whether `document` stays within `limits`, holds no document type declaration (no DTD, so no
// entities of its own) and no NUL byte. Says nothing of it being well-formed otherwise.
bool is_within(const XmlLimits& limits, std::string_view document);

}  // namespace upnpd::igd
