/* log: one line per event on standard error: "merestone-judge: text". Control characters are escaped, so a hostile
 * name cannot forge a line or move a terminal (A94). Never give it a secret. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

void log_name(const char *program); /* kept by reference */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_err(const struct err *e); /* "<program>: error: <sentence>", then "<program>: hint: <hint>" if there is one */

#endif
