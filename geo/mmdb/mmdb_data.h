/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_data.h - the data section of a MaxMind DB (format 2.0): values are stored once, and pointed
 * to ever after.
 *
 * A value is written into a struct mmdb_value (a scratch buffer), then stored: equal bytes get the
 * same offset. Inside a map or an array a stored value stands as a pointer where that is shorter
 * than the value itself. Source: the MaxMind DB File Format Specification 2.0
 * (maxmind.github.io/MaxMind-DB).
 */
#ifndef GEO_MMDB_MMDB_DATA_H
#define GEO_MMDB_MMDB_DATA_H
#include <stddef.h>
#include <stdint.h>

struct mmdb_data;
struct mmdb_value {
	uint8_t bytes[2048];
	size_t n;
	int error; /* -E2BIG: it did not fit; kept until the value is stored */
};

static inline void mmdb_value_init(struct mmdb_value *v)
{
	v->n = 0;
	v->error = 0;
}

int mmdb_data_new(struct mmdb_data **ret);
void mmdb_data_free(struct mmdb_data *d);
const uint8_t *mmdb_data_bytes(const struct mmdb_data *d, size_t *n);
/* The offset of the value in the section: of an equal one stored before, or of this one. -ENOMEM,
 * -E2BIG. */
int mmdb_data_store(struct mmdb_data *d, const struct mmdb_value *v, uint32_t *ret);

/* Append to a value. A map or an array announces its number of entries, which then follow; keys are
 * strings. */
void mmdb_map(struct mmdb_value *v, uint32_t entries);
void mmdb_array(struct mmdb_value *v, uint32_t entries);
void mmdb_u16(struct mmdb_value *v, uint16_t x);
void mmdb_u32(struct mmdb_value *v, uint32_t x);
void mmdb_u64(struct mmdb_value *v, uint64_t x);
void mmdb_true(struct mmdb_value *v);
void mmdb_text(struct mmdb_value *v, const char *s); /* in place */
int mmdb_string(struct mmdb_data *d, struct mmdb_value *v,
		const char *s); /* stored once, pointed to */
void mmdb_pointer(struct mmdb_value *v, uint32_t offset);
#endif
