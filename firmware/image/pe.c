/* Microsoft PE and COFF Specification, revision 11. */
#include <string.h>

#include "base/rd.h"
#include "firmware/image/predict.h"

enum {
	MZ = 0x5a4d,
	NEW_HEADER = 0x3c, /* where the DOS header says where the PE header is */
	PE_MAGIC = 0x4550, /* "PE\0\0" */
	PE32_PLUS = 0x20b,
	COFF_HEAD = 20,
	OPTIONAL_MIN = 112 + 5 * 8, /* up to the directory of certificates */
	HEADERS_AT = 60,            /* in the optional header, as are the next two */
	CHECKSUM_AT = 64,
	DIRECTORIES_AT = 108,
	CERTIFICATES_AT = 112 + 4 * 8,
	SECTION_HEAD = 40,
};

struct heads {
	size_t optional, noptional, sections, nsections;
};

static struct rd at(struct view file, size_t where)
{
	struct rd r = rd_of(file);

	(void)rd_view(&r, where);
	return r;
}

/* Where the optional header and the section table are. */
static bool find_heads(struct view file, struct heads *h)
{
	struct rd dos = at(file, 0);
	bool mz = rd_le16(&dos) == MZ;
	struct rd new = at(file, NEW_HEADER);
	size_t pe = (size_t)rd_upto(&new, rd_le32(&new), file.n);
	struct rd r = at(file, pe);

	rd_require(&r, mz && rd_ok(&new) && rd_le32(&r) == PE_MAGIC);
	(void)rd_le16(&r); /* machine: the firmware's to refuse */
	h->nsections = (size_t)rd_upto(&r, rd_le16(&r), PE_SECTIONS_MAX);
	(void)rd_view(&r, 12);
	h->noptional = rd_le16(&r);
	h->optional = pe + 4 + COFF_HEAD;
	h->sections = h->optional + h->noptional;
	return rd_ok(&r) && h->noptional >= OPTIONAL_MIN && h->sections <= file.n;
}

static bool read_optional(struct pe *p, const struct heads *h)
{
	struct rd magic = at(p->file, h->optional), headers = at(p->file, h->optional + HEADERS_AT),
	          dirs = at(p->file, h->optional + DIRECTORIES_AT), cert = at(p->file, h->optional + CERTIFICATES_AT);
	bool plus = rd_le16(&magic) == PE32_PLUS, listed = rd_le32(&dirs) > 4;
	size_t where = (size_t)rd_upto(&cert, rd_le32(&cert), p->file.n);

	p->headers = (size_t)rd_upto(&headers, rd_le32(&headers), p->file.n);
	p->ncertificates = (size_t)rd_upto(&cert, rd_le32(&cert), p->file.n);
	p->checksum = h->optional + CHECKSUM_AT;
	p->certificates = h->optional + CERTIFICATES_AT;
	if (!rd_ok(&headers) || !rd_ok(&cert) || !plus || !listed)
		return false;
	/* the headers hold all that was read here, and signatures are the last thing in the file */
	return p->headers >= h->sections + h->nsections * SECTION_HEAD &&
	       (p->ncertificates == 0 || where + p->ncertificates == p->file.n);
}

/* One behind the other, so that the digest covers each byte once. */
static bool read_section(struct pe *p, struct rd *r, size_t *end)
{
	struct pe_section *s = &p->section[p->n];
	struct view name = rd_view(r, 8);
	uint64_t virtual = rd_le32(r);

	(void)rd_le32(r); /* where it is loaded */
	size_t size = (size_t)rd_upto(r, rd_le32(r), p->file.n), where = (size_t)rd_upto(r, rd_le32(r), p->file.n);
	(void)rd_view(r, SECTION_HEAD - 24);
	if (!rd_ok(r) || size > p->file.n - where || (size > 0 && where < *end))
		return false;
	if (size > 0)
		*end = where + size;
	s->name = VIEW(name.p, strnlen((const char *)name.p, name.n));
	s->raw = VIEW(p->file.p + where, size);
	s->data = VIEW(p->file.p + where, virtual < size ? (size_t) virtual : size);
	p->n++;
	return true;
}

int pe_parse(struct view file, struct pe *out, struct err *e)
{
	struct pe p = {.file = file};
	struct heads h;

	if (!find_heads(file, &h) || !read_optional(&p, &h))
		return err_set(e, WHY_MALFORMED, "this is no PE32+ image of at most %d sections", PE_SECTIONS_MAX);
	struct rd r = at(file, h.sections);
	size_t end = p.headers;
	while (p.n < h.nsections)
		if (!read_section(&p, &r, &end))
			return err_set(e, WHY_MALFORMED, "PE image: section %zu is not where it should be", p.n + 1);
	if (end > file.n - p.ncertificates)
		return err_set(e, WHY_MALFORMED, "PE image: its signatures are within its sections");
	*out = p;
	return 0;
}

/* Headers without two fields; then everything up to the signatures: sections come in order, gaps are hashed by nobody, and
 * what is behind the last section is. */
void pe_authenticode(const struct pe *p, uint8_t out[SHA_LEN])
{
	const uint8_t *f = p->file.p;
	struct view parts[PE_SECTIONS_MAX + 4];
	size_t n = 0, end = p->headers;

	parts[n++] = VIEW(f, p->checksum);
	parts[n++] = VIEW(f + p->checksum + 4, p->certificates - p->checksum - 4);
	parts[n++] = VIEW(f + p->certificates + 8, p->headers - p->certificates - 8);
	for (size_t i = 0; i < p->n; i++) {
		if (p->section[i].raw.n == 0)
			continue;
		parts[n++] = p->section[i].raw;
		end = (size_t)(p->section[i].raw.p - f) + p->section[i].raw.n;
	}
	parts[n++] = VIEW(f + end, p->file.n - p->ncertificates - end);
	sha256_n(out, parts, n);
}

const struct pe_section *pe_section(const struct pe *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (view_equal(p->section[i].name, VIEW(name, strlen(name))))
			return &p->section[i];
	return NULL;
}
