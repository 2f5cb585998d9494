/* country.h - ISO 3166-1 alpha-2 codes as two bytes in a u16: 'D' << 8 | 'E'. 0 is no country. */
#ifndef GEO_FACTS_COUNTRY_H
#define GEO_FACTS_COUNTRY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define CC(a, b) ((uint16_t)((unsigned)(a) << 8 | (uint8_t)(b)))

/* Strict: two capitals that ISO 3166-1 lists; 0 otherwise. */
uint16_t country_code(const char *two, size_t len);
/* What a source may write: lower case, UK -> GB, EL -> GR; pseudo-codes (EU AP XX T1 A1 A2 O1 ZZ
 * ??) and anything else -> 0. */
uint16_t country_from_source(const char *two, size_t len);
const char *country_name(uint16_t cc);		    /* English short name; "" for 0 */
const char *country_text(uint16_t cc, char buf[3]); /* "DE", "" for 0; returns buf */
#endif
