#include <doctest/doctest.h>

#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

// Everything happens in a network namespace of this process alone: the machine's own interfaces and
// rules are out of reach.
int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  if (::unshare(CLONE_NEWNET) != 0) {
    std::fprintf(stderr, "skipped: no network namespace: %s\n", std::strerror(errno));
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
