/* onebox: what most tests of the decision begin with: an authority, and one machine. */
#ifndef UNIT_ONEBOX_H
#define UNIT_ONEBOX_H

#include "tests/unit/policymaker.h"

static struct rig *r;
static struct box box;

/* They have not met. */
static inline int onebox_new(void **s)
{
	(void)s;
	r = rig_open();
	box_make(&box, "cloudlet1");
	return 0;
}

/* There is a domain that the machine may join. */
static inline int onebox_domain(void **s)
{
	onebox_new(s);
	rig_domain(r, &box);
	return 0;
}

/* It has joined. */
static inline int onebox_joined(void **s)
{
	onebox_domain(s);
	rig_join(r, &box);
	return 0;
}

static inline int onebox_drop(void **s)
{
	(void)s;
	box_drop(&box);
	rig_close(r);
	return 0;
}

#endif
