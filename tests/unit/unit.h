/* unit: what every unit test includes first. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* rc is -1, the reason is the expected one, and there is a sentence. */
#define assert_refused(rc, e, reason)                                                                                  \
	do {                                                                                                           \
		assert_int_equal((rc), -1);                                                                            \
		assert_string_equal(why_name((e)->why), why_name(reason));                                             \
		assert_true((e)->text[0] != 0);                                                                        \
	} while (0)

/* rc is 0; otherwise the sentence is shown. */
#define assert_accepted(rc, e)                                                                                         \
	do {                                                                                                           \
		if ((rc) != 0)                                                                                         \
			fail_msg("%s: %s", why_name((e)->why), (e)->text);                                             \
	} while (0)

#endif
