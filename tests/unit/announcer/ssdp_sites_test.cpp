#include "ssdp_sites.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace upnpd::announcer;

namespace {

const SsdpDevice kDevice{"00000000-0000-4000-8000-00000000000a", "t0ken",
                         std::chrono::seconds(1800)};

std::vector<SsdpSite> sites(std::vector<IpNetwork> addresses) {
  return sites_for(addresses, 5000, kDevice);
}

std::vector<SsdpSite> ipv6_sites() {
  return sites({*Ipv6Network::parse("2001:db8:77::1/64"), *Ipv6Network::parse("fd00:77::1/64"),
                *Ipv6Network::parse("fe80::1/64")});
}

std::string told(const char* host, const std::vector<SsdpSite>& sites) {
  const SsdpSite* const site = site_towards(*parse_ip_address(host), sites);
  return site == nullptr ? "" : site->identity.igd1_location;
}

}  // namespace

TEST_SUITE("ssdp_sites") {
  TEST_CASE("a host is told the address of its own network, a literal between brackets") {
    const auto all = ipv6_sites();
    CHECK(told("fe80::77", all) == "http://[fe80::1]:5000/t0ken/igd1.xml");
    CHECK(told("fd00:77::77", all) == "http://[fd00:77::1]:5000/t0ken/igd1.xml");
    CHECK(told("2001:db8:77::77", all) == "http://[2001:db8:77::1]:5000/t0ken/igd1.xml");
    for (const char* stranger : {"2001:db8:78::1", "::1", "192.168.77.10", "ff02::c"})
      CHECK(told(stranger, all) == "");
    const auto ipv4 = sites({*Ipv4Network::parse("192.168.77.1/24")});
    CHECK(told("192.168.77.10", ipv4) == "http://192.168.77.1:5000/t0ken/igd1.xml");
    CHECK(told("192.168.77.255", ipv4) == "");
    CHECK(told("fe80::77", ipv4) == "");
  }

  TEST_CASE("each group hears of an address that its hosts can reach, a ULA before a provider's") {
    const auto all = ipv6_sites();
    const auto groups = groups_of(all);
    REQUIRE(groups.size() == 2);
    CHECK(to_string(groups[0].address) == "ff02::c");
    CHECK(to_string(address_of(groups[0].site->network)) == "fe80::1");
    CHECK(to_string(groups[1].address) == "ff05::c");
    CHECK(to_string(address_of(groups[1].site->network)) == "fd00:77::1");

    const auto provider = sites({*Ipv6Network::parse("2001:db8:77::1/64")});
    REQUIRE(groups_of(provider).size() == 1);
    CHECK(to_string(groups_of(provider)[0].address) == "ff05::c");
    const auto ipv4 = sites({*Ipv4Network::parse("192.168.77.1/24")});
    REQUIRE(groups_of(ipv4).size() == 1);
    CHECK(to_string(groups_of(ipv4)[0].address) == "239.255.255.250");
    CHECK(groups_of({}).empty());
    CHECK(byebye_text(groups[0].site->identity, {"nt", "usn"}, groups[0].address)
              .find("HOST: [ff02::c]:1900\r\n") != std::string::npos);
  }
}
