#include "agent/shedding.h"

namespace leadline::agent {
namespace {

using probes::Effort;

constexpr SheddingStep kSteps[] = {
    {"all is done", {}},
    {"requests of one connection in 2", {.requests_one_in = 2}},
    {"requests of one connection in 4", {.requests_one_in = 4}},
    {"requests of one connection in 8", {.requests_one_in = 8}},
    {"requests of one connection in 16", {.requests_one_in = 16}},
    {"requests of one connection in 32", {.requests_one_in = 32}},
    {"requests of one connection in 64", {.requests_one_in = 64}},
    {"no requests", {.requests_one_in = 0}},
    {"no requests, no latencies of system calls", {.requests_one_in = 0, .times_syscalls = false}},
    {"no requests, no latencies of system calls, no UDP",
     {.requests_one_in = 0, .times_syscalls = false, .counts_datagrams = false}},
};

constexpr GivenUp kGivenUp[] = {
    {"requests",
     [](const Effort& effort) {
       return effort.requests_one_in == 0 ? 1.0 : 1.0 - 1.0 / effort.requests_one_in;
     }},
    {"syscall_latency", [](const Effort& effort) { return effort.times_syscalls ? 0.0 : 1.0; }},
    {"udp", [](const Effort& effort) { return effort.counts_datagrams ? 0.0 : 1.0; }},
};

}  // namespace

absl::Span<const SheddingStep> SheddingSteps() { return kSteps; }

absl::Span<const GivenUp> WhatCanBeGivenUp() { return kGivenUp; }

}  // namespace leadline::agent
