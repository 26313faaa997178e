#include "import_record.h"

#include <doctest/doctest.h>

#include "temporary.h"

using namespace upnpd::gateway;

TEST_SUITE("import_record") {
  TEST_CASE("what is noted is known at the next start, until it is written to") {
    const TemporaryDirectory directory;
    const auto file = directory / "upnp.leases", another = directory / "another.leases";
    write(file, "one line\n");
    write(another, "one line\n");
    {
      ImportRecord record(directory / "record");
      CHECK_FALSE(record.has(file));
      CHECK(record.note(file) == "");
      CHECK(record.has(file));
    }
    const ImportRecord record(directory / "record");
    CHECK(record.has(file));
    CHECK_FALSE(record.has(another));
    write(file, "another line\n");
    CHECK_FALSE(record.has(file));
  }

  TEST_CASE("a record that cannot be kept says so") {
    const TemporaryDirectory directory;
    ImportRecord record("/nonexistent/record");
    CHECK(record.note(directory / "upnp.leases").find("/nonexistent/record") != std::string::npos);
  }
}
