#include "config.h"

#include <doctest/doctest.h>

#include "upnpd/port_mapping.h"

using namespace upnpd;
using namespace upnpd::gateway;

namespace {

Config good(const std::string& text) {
  ConfigReading reading = read_config(text, "test.conf");
  for (const ConfigProblem& problem : reading.problems)
    MESSAGE(to_string(problem));
  REQUIRE_FALSE(reading.has_errors());
  return reading.config;
}

std::string problem_of(const std::string& text) {
  const ConfigReading reading = read_config(text, "test.conf");
  REQUIRE(reading.problems.size() == 1);
  return to_string(reading.problems[0]);
}

bool permitted(const Config& config, std::uint16_t external, const char* client,
               std::uint16_t internal) {
  return core::permits(config.policy, *ExternalPort::parse(external),
                       *InternalClient::parse(*Ipv4Address::parse(client)),
                       *InternalPort::parse(internal), *PortMappingDescription::parse(""))
      .has_value();
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("pinholes go by lines with IPv6 networks, and can be switched off by either name") {
    const auto key = [](const char* client) {
      return PinholeKey{PinholeRemoteHost::any(), PinholeRemotePort::any(),
                        *PinholeClient::parse(*Ipv6Address::parse(client)),
                        *InternalPort::parse(80), Protocol::TCP};
    };
    const Config config = good("allow 80 2001:db8:77::/64 80\next_ifname6=wan6\n");
    CHECK(core::permits(config.policy, key("2001:db8:77::1")));
    CHECK_FALSE(core::permits(config.policy, key("2001:db8:78::1")));
    CHECK(config.policy.allow_pinholes);
    CHECK(config.wan6 == "wan6");
    CHECK_FALSE(good("allow_pinholes=no").policy.allow_pinholes);
    CHECK_FALSE(good("ipv6_disable=yes").policy.allow_pinholes);
    CHECK_FALSE(good("ipv6_disable=yes").ipv6);
    CHECK(good("allow_pinholes=no").ipv6);
    CHECK(good("ipv6_disable=no").policy.allow_pinholes);
    CHECK(problem_of("allow 80 2001:db8::/129 80").find("IPv6") != std::string::npos);
  }

  TEST_CASE("ext_ifname may be repeated, and lines about a LAN have two words") {
    const Config config = good(
        "ext_ifname=dsl\next_ifname=lte\nlistening_ip=guest\nlan_wan=guest  lte\n"
        "lan_prefix=guest 192.168.90.0/24\nlan_prefix=guest\t192.168.91.0/24\n");
    CHECK(config.wans == std::vector<std::string>{"dsl", "lte"});
    CHECK(config.lan_wans.at("guest") == "lte");
    CHECK(config.lan_prefixes.count("guest") == 2);
    for (const char* line : {"lan_wan=guest", "lan_wan=guest a/b", "lan_wan=a b\nlan_wan=a c",
                             "lan_prefix=192.168.90.0/24", "lan_prefix=guest 192.168.90.0/33",
                             "ext_ifname=a\next_ifname=a"}) {
      CAPTURE(line);
      CHECK(read_config(line, "test.conf").has_errors());
    }
  }

  TEST_CASE("a miniupnpd.conf is read as it is") {
    const Config config = good(
        "# a comment\n"
        "ext_ifname=eth1\n"
        "listening_ip=br-lan\n"
        "listening_ip = 192.168.78.1/24\r\n"
        "port=5000\n"
        "bitrate_up=1000000\n"
        "secure_mode=no\n"
        "friendly_name=Home \"1\"\n"
        "uuid=6e9b0d1e-0000-4000-8000-000000000001\n"
        "\n"
        "allow 1024-65535 192.168.0.0/24 1024-65535\n"
        "allow 1024-65535 192.168.1.0/255.255.255.0 22 # comment\n"
        "deny 0-65535 0.0.0.0/0 0-65535");
    CHECK(config.wans == std::vector<std::string>{"eth1"});
    CHECK(config.lans == std::vector<std::string>{"br-lan", "192.168.78.1/24"});
    CHECK(config.http_port == 5000);
    CHECK(config.bitrate_up == 1000000);
    CHECK_FALSE(config.policy.secure_mode);
    CHECK(config.friendly_name == "Home \"1\"");
    CHECK(config.policy.permissions.size() == 3);
    CHECK(permitted(config, 2000, "192.168.0.5", 2000));
    CHECK(permitted(config, 2000, "192.168.1.5", 22));
    CHECK_FALSE(permitted(config, 2000, "192.168.2.5", 2000));
  }

  TEST_CASE("our own keys") {
    const Config config = good(
        "admin_socket=/tmp/"
        "a.sock\nmax_mappings=10\nmax_mappings_per_host=3\nmax_requests_per_second=0\n"
        "max_lease=86400\nrun_as=daemon\n");
    CHECK(config.admin_socket == "/tmp/a.sock");
    CHECK(config.policy.limits.mappings == 10);
    CHECK(config.policy.limits.mappings_per_host == 3);
    CHECK(config.policy.limits.requests_per_second == 0);
    CHECK(config.policy.limits.lease.count() == 86400);
    CHECK(config.run_as == "daemon");
  }

  TEST_CASE("no permission line at all means the usual ones, one deny line means just that") {
    CHECK(permitted(good(""), 8080, "192.168.77.10", 8080));
    CHECK_FALSE(permitted(good(""), 80, "192.168.77.10", 8080));
    CHECK_FALSE(permitted(good("deny 1-2 0.0.0.0/0 1-2"), 8080, "192.168.77.10", 8080));
  }

  TEST_CASE("expressions, quoted or not, and what comes after them") {
    CHECK(good("allow 1-65535 0.0.0.0/0 1-65535 \"My App .*\" # mine")
              .policy.permissions[0]
              .description);
    CHECK(good("allow 1-65535 0.0.0.0/0 1-65535 app").policy.permissions[0].description);
    CHECK_FALSE(good("allow 1-65535 0.0.0.0/0 1-65535 # app").policy.permissions[0].description);
  }

  TEST_CASE("every fault is named with file, line and what to write instead") {
    CHECK(problem_of("\nhttp_prot=1") == "test.conf:2: error: http_prot: unknown key");
    CHECK(problem_of("http_port=65536")
              .find("must be 0 (any free port) or a port from 1024 to 65535, not '65536'") !=
          std::string::npos);
    CHECK(problem_of("http_port=80").find("from 1024") != std::string::npos);
    CHECK(problem_of("max_mappings=-1").find("must be a number from 0 to") != std::string::npos);
    CHECK(problem_of("secure_mode=maybe").find("must be yes or no, not 'maybe'") !=
          std::string::npos);
    CHECK(
        problem_of("nonsense").find("'nonsense' is neither KEY=VALUE nor an allow or deny line") !=
        std::string::npos);
    CHECK(problem_of("ext_ip=example.com").find("must be an IPv4 address") != std::string::npos);
    CHECK(problem_of("listening_ip=a/b/c").find("must be an interface's name") !=
          std::string::npos);
    CHECK(problem_of("listening_ip=lan\nlistening_ip=lan")
              .find("test.conf:2: error: listening_ip: 'lan' is listed twice") == 0);
    CHECK(problem_of("uuid=1234").find("must look like") != std::string::npos);
    CHECK(problem_of("lease_file=leases").find("must be an absolute path") != std::string::npos);
    CHECK(problem_of("friendly_name=a\x1b[31m").find("control characters") != std::string::npos);
    CHECK(problem_of("allow 1024-65535 0.0.0.0/0").find("too few words") != std::string::npos);
    CHECK(problem_of("allow 65535-1024 0.0.0.0/0 1").find("ends before it starts") !=
          std::string::npos);
    CHECK(problem_of("allow 1-70000 0.0.0.0/0 1").find("is no port or range") != std::string::npos);
    CHECK(problem_of("allow 1 10.0.0.0/33 1").find("is no IPv4 address") != std::string::npos);
    CHECK(problem_of("allow 1 10.0.0.0/8 1 (").find("is no regular expression") !=
          std::string::npos);
    CHECK(problem_of("allow 1 10.0.0.0/8 1 \"a").find("closing quote") != std::string::npos);
    CHECK(problem_of("allow 1 10.0.0.0/8 1 a b").find("after the expression") != std::string::npos);
  }

  TEST_CASE("a fault's text cannot harm the terminal that shows it") {
    CHECK(problem_of("\x1b]0;x\x07=1").find('\x1b') == std::string::npos);
    CHECK(problem_of("\x1b[2J").find('\x1b') == std::string::npos);
  }

  TEST_CASE("a key that has no effect is a warning, not an error") {
    const ConfigReading reading = read_config("ext_perform_stun=yes\n", "test.conf");
    CHECK_FALSE(reading.has_errors());
    CHECK(to_string(reading.problems.at(0)) ==
          "test.conf:1: warning: ext_perform_stun: is known, and has no effect in this version");
  }

  TEST_CASE("all faults are found in one reading, and good lines count") {
    const ConfigReading reading = read_config("a=1\nb=2\next_ifname=wan\nc\n", "test.conf");
    CHECK(reading.problems.size() == 3);
    CHECK(reading.config.wans == std::vector<std::string>{"wan"});
  }

  TEST_CASE("a file that is not there, or is a directory, is an error that names it") {
    CHECK(read_config_file("/nonexistent/upnpd.conf").has_errors());
    CHECK(read_config_file("/").has_errors());
    CHECK(read_config_file("/nonexistent/x").problems[0].message.find("No such file") !=
          std::string::npos);
  }
}
