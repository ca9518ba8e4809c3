#!/bin/sh
# lint: format, static analysis, shell scripts and manual pages; TAP goes to standard output.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0

# step NAME COMMAND...: quiet when all is well
step() {
	name=$1
	shift
	if said=$("$@" 2>&1 </dev/null); then
		echo "ok - $name"
	else
		echo "not ok - $name"
		printf '%s\n' "$said" | sed 's/^/# /'
		bad=1
	fi
}

format() {
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

analysis() {
	git ls-files -co --exclude-standard '*.c' | cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 -j 2 --suppressions-list=tests/cppcheck.txt -I . -D__GNUC__ -D__x86_64__ --file-list=-
}

scripts() {
	git ls-files -co --exclude-standard '*.sh' '*.bats' .ci/run | xargs shellcheck --severity=warning
}

pages() {
	git ls-files -co --exclude-standard '*.1' '*.5' '*.7' '*.8' | xargs -r mandoc -T lint -W warning
}

basenames() {
	twice=$(git ls-files '*.c' '*.h' | sed 's|.*/||' | sort | uniq -d)
	[ -z "$twice" ] || {
		echo "two files are called $twice"
		return 1
	}
}

step 'the tree is formatted' format
step 'static analysis finds nothing' analysis
step 'the scripts are clean' scripts
step 'the manual pages are clean' pages
step 'no two files have one name' basenames
exit $bad
