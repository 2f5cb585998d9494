/* SPDX-License-Identifier: BSD-2-Clause */
/* cppcheck.h - macros of other people's headers, which cppcheck does not read; included before each
 * file by 'make lint'. */
#define bpf_object__for_each_program(p, o) for (p = 0; (p = bpf_object__next_program(o, p));)
#define bpf_object__for_each_map(m, o)	   for (m = 0; (m = bpf_object__next_map(o, m));)
#define LIBBPF_OPTS(type, name, ...)	   struct type name = {0}
#define json_array_foreach(array, i, v)	   for (i = 0; (v = json_array_get(array, i)); i++)
#define json_object_foreach(object, k, v)                                                          \
	for (k = json_first(object); (v = json_object_get(object, k)); k++)
