/* Infineon's faulty generator made primes of the form k * M + (65537^a mod M), M a product of small primes: such a modulus
 * is a power of 65537 modulo each of them. An honest one is that by chance once in 2^27. */
#include "attest/ekpub.h"

static bool is_prime(unsigned n)
{
	for (unsigned i = 2; i * i <= n; i++)
		if (n % i == 0)
			return false;
	return true;
}

static unsigned modulo(struct view n, unsigned p)
{
	unsigned rest = 0;

	for (size_t i = 0; i < n.n; i++)
		rest = (rest << 8 | n.p[i]) % p;
	return rest;
}

static bool is_power_of_65537(unsigned rest, unsigned p)
{
	unsigned power = 1;

	do {
		if (power == rest)
			return true;
		power = power * (65537 % p) % p;
	} while (power != 1);
	return false;
}

bool roca_suspect(struct view modulus)
{
	for (unsigned p = 3; p <= 167; p += 2) /* M of the smallest keys; larger keys have more primes */
		if (is_prime(p) && !is_power_of_65537(modulo(modulus, p), p))
			return false;
	return true;
}
