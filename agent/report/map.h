/* map.h - countries as SVG paths, from the shapes that distances are measured with (Natural Earth). */
#ifndef AGENT_REPORT_MAP_H
#define AGENT_REPORT_MAP_H
#include <stdint.h>
#include <stdio.h>

struct map_box { /* hundredths of a degree */
	int west, south, east, north;
	double width; /* of the drawing; the height follows */
	double fine;  /* points nearer than this are one */
};
/* Squeezes longitudes as at the middle of the box, so that shapes are not stretched there. */
double map_height(const struct map_box *m);
/* Each country's path, in order of its code: style says what stands in it besides, title what it is called;
 * either may write nothing. */
typedef void map_put_fn(FILE *to, void *arg, uint16_t country);
void map_put(FILE *to, const struct map_box *m, map_put_fn *style, map_put_fn *title, void *arg);
#endif
