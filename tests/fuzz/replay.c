// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Runs the inputs in the files it is given, for compilers without a fuzzer. */
#include "fuzz.h"

static void replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(1 << 20);
	size_t size;

	if (!f || !data) {
		perror(path);
		exit(2);
	}
	size = fread(data, 1, 1 << 20, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}
