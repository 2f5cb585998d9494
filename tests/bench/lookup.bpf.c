// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* lookup.bpf.c - 64 look-ups a run, by the place table as egress.bpf.c has it, and by LPM tries
 * with the same prefixes. */
#include "bpf/prog/place.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define BATCH	  64
#define ADDRESSES (1u << 20)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ADDRESSES);
	__type(key, __u32);
	__type(value, __u64);
} addresses4 SEC(".maps"), addresses6hi SEC(".maps"), addresses6lo SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	/* where the next run starts; what keeps the look-ups from being thought away */
	__type(value, __u64[2]);
} at SEC(".maps");

struct key4 {
	__u32 len;
	__u8 b[4];
};
struct key6 {
	__u32 len;
	__u8 b[16];
};
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2000000);
	__type(key, struct key4);
	__type(value, __u32);
} trie4 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2000000);
	__type(key, struct key6);
	__type(value, __u32);
} trie6 SEC(".maps");

static __always_inline __u32 table4(__u32 i)
{
	__u64 *a = bpf_map_lookup_elem(&addresses4, &i);

	return a ? place4((__u32)*a) : 0;
}

static __always_inline __u32 lpm4(__u32 i)
{
	__u64 *a = bpf_map_lookup_elem(&addresses4, &i);
	struct key4 k = {.len = 32};
	__u32 *v, be;

	if (!a)
		return 0;
	be = bpf_htonl((__u32)*a);
	__builtin_memcpy(k.b, &be, 4);
	v = bpf_map_lookup_elem(&trie4, &k);
	return v ? *v : 0;
}

static __always_inline __u32 table6(__u32 i)
{
	__u64 *hi = bpf_map_lookup_elem(&addresses6hi, &i),
	      *lo = bpf_map_lookup_elem(&addresses6lo, &i);

	return hi && lo ? place6(*hi, *lo) : 0;
}

static __always_inline __u32 lpm6(__u32 i)
{
	__u64 *hi = bpf_map_lookup_elem(&addresses6hi, &i),
	      *lo = bpf_map_lookup_elem(&addresses6lo, &i), be[2];
	struct key6 k = {.len = 128};
	__u32 *v;

	if (!hi || !lo)
		return 0;
	be[0] = bpf_cpu_to_be64(*hi);
	be[1] = bpf_cpu_to_be64(*lo);
	__builtin_memcpy(k.b, be, 16);
	v = bpf_map_lookup_elem(&trie6, &k);
	return v ? *v : 0;
}

#define RUN(name, look)                                                                            \
	SEC("tc")                                                                                  \
	int name(struct __sk_buff *skb)                                                            \
	{                                                                                          \
		__u32 zero = 0, sum = 0, from;                                                     \
		__u64 *w = bpf_map_lookup_elem(&at, &zero);                                        \
		(void)skb;                                                                         \
		if (!w)                                                                            \
			return 0;                                                                  \
		from = (__u32)w[0] & (ADDRESSES - 1);                                              \
		w[0] = from + BATCH;                                                               \
		for (__u32 i = 0; i < BATCH; i++)                                                  \
			sum += look(from + i);                                                     \
		w[1] += sum;                                                                       \
		return 0;                                                                          \
	}

static __always_inline __u32 nothing4(__u32 i)
{
	__u64 *a = bpf_map_lookup_elem(&addresses4, &i);

	return a ? (__u32)*a : 0;
}

static __always_inline __u32 nothing6(__u32 i)
{
	__u64 *hi = bpf_map_lookup_elem(&addresses6hi, &i),
	      *lo = bpf_map_lookup_elem(&addresses6lo, &i);

	return hi && lo ? (__u32)(*hi ^ *lo) : 0;
}

RUN(run_nothing4, nothing4)
RUN(run_table4, table4)
RUN(run_lpm4, lpm4)
RUN(run_nothing6, nothing6)
RUN(run_table6, table6)
RUN(run_lpm6, lpm6)
