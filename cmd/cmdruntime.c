/* runtime learn: the set that approves what one machine ran. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cli.h"
#include "firmware/firmware.h"

int cmd_runtime_learn(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *list = NULL;
	AUTO(json_free) json_t *body = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (cli_read(c->argv[0], &bytes, &n, e))
		return -1;
	list = (char *)bytes;
	body = runtime_learn(VIEW(bytes, n), e);
	if (!body)
		return err_in(e, "%s", c->argv[0]);
	cli_print_json(body);
	return 0;
}
