#include <doctest/doctest.h>
#include <sched.h>

#include <cstdio>

namespace {
constexpr int kSkipped = 77;  // what meson takes for "skipped"
}

int main(int argc, char** argv) {
  if (::unshare(CLONE_NEWNET) != 0) {
    std::puts("skipped: may not make a network namespace");
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
