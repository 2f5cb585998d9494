/* SPDX-License-Identifier: BSD-2-Clause */
/* skel.h - the generated skeletons, held to bpftool's taste in warnings. */
#ifndef BPF_LOAD_SKEL_H
#define BPF_LOAD_SKEL_H
#include "rules/decide.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/prog/egress.skel.h"
#include "bpf/prog/names.skel.h"
#include "bpf/prog/observe.skel.h"
#pragma GCC diagnostic pop
#endif
