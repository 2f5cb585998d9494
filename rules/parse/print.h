/* SPDX-License-Identifier: BSD-2-Clause */
/* print.h - the print functions of match.def's rows. */
#ifndef RULES_PARSE_PRINT_H
#define RULES_PARSE_PRINT_H
#include "rules/parse/match.h"

void print_from(struct writer *t, const struct rule *r);
void print_to(struct writer *t, const struct rule *r);
void print_under(struct writer *t, const struct rule *r);
void print_service(struct writer *t, const struct rule *r);
void print_proto(struct writer *t, const struct rule *r);
void print_port(struct writer *t, const struct rule *r);
void print_opened(struct writer *t, const struct rule *r);
void print_over(struct writer *t, const struct rule *r);
void print_quiet(struct writer *t, const struct rule *r);
void print_severity(struct writer *t, const struct rule *r);
void print_name(struct writer *t, const struct rule *r);
void print_label(struct writer *t, const struct rule *r);
void print_purpose(struct writer *t, const struct rule *r);
void print_basis(struct writer *t, const struct rule *r);
void print_until(struct writer *t, const struct rule *r);
void print_because(struct writer *t, const struct rule *r);
void print_bare(struct writer *t, const struct place_atom *a);
void print_country(struct writer *t, const struct place_atom *a);
void print_zone(struct writer *t, const struct place_atom *a);
void print_cidr(struct writer *t, const struct place_atom *a);
void print_list(struct writer *t, const struct place_atom *a);
void print_provider(struct writer *t, const struct place_atom *a);
void print_asn(struct writer *t, const struct place_atom *a);
void print_jurisdiction(struct writer *t, const struct place_atom *a);
void print_subject_text(struct writer *t, const struct subject_atom *a);
void print_subject_cidr(struct writer *t, const struct subject_atom *a);
#endif
