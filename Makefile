# Merestone. `make help` says what there is to make.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= 2
SECONDS ?= 30

# ---- Programs: a program's link line names exactly what may be in its address space. ----
#
# nonmain gives a folder's objects without the programs' own files.

MAINS   := cmd/merestone.c cmd/merestoned.c cmd/merestone-agent.c federation/door.c attest/judge.c policy/decider.c \
	   keystore/keeper.c attest/quoter.c attest/prover.c cmd/merestone-landmark.c firmware/init/first.c firmware/init/supervisor.c geofence/locator.c firmware/state/statemain.c firmware/update/updater.c
FOLDERS := base firmware geofence attest policy keystore federation cmd
nonmain  = $(patsubst %.c,%,$(filter-out $(MAINS),$(wildcard $(foreach d,$(1),$(d)/*.c $(d)/*/*.c))))

# What several programs share.
BASE     := $(addprefix base/,b64 err file hex json jw log mem name rd utf8 wr)
SIGN     := $(addprefix base/,sha es256 es256same jws)
BOOT     := $(addprefix firmware/,boot eventlog eventtype meaning siglist story text16 uefivar)
REFER    := $(addprefix firmware/,glob learn reference reference_import rules rules_import rulespolicy)
IMPORTED := $(addprefix firmware/,cbor comid corim corim_import corimwalk refstate)
IMA      := $(addprefix firmware/,ima imarun)
RUNTIME  := $(addprefix firmware/,imasig pathglob runtime runtime_import)
FENCE    := $(addprefix geofence/,around border densify digest earth fence fence_geometry fix flat flatcheck geodesic \
	    gridbuild gridput locate matchrate near orient place raster rings ringwalk seam)
MAPS     := $(addprefix geofence/,country crossing draft frommap geojson geotext lint lintcross lintedge lintloop mapbody mapread nest overlap pick \
	    seamclose soup stitch topojson)
CLIENT   := $(addprefix federation/,client tlsprovider)
MEASURE  := $(addprefix attest/,bound boundkey boundmsg endpoint)
EKPUB    := $(addprefix attest/,ekpolicy ekpub roca)
EKCERT   := $(EKPUB) $(addprefix attest/,der ekcert ekmaker ekroots ekspki)

merestone_MAIN       := cmd/merestone
merestone_OBJ        := $(addprefix cmd/,cli cmddocument cmdfence cmdflash cmdimagekeys cmdimport cmdinit cmdlist cmdlog cmdpredict cmdrecover cmdreference cmdreport cmdroots cmdruntime cmdsite cmdtag cmdupdate cmdupdatepack fencesource fencesvg filemap keyfile kit logjson logread logwarn) $(CLIENT) $(addprefix attest/,counter ekroots extkey nvname tag tagindex tpmkdf) \
			$(addprefix policy/,docupdate document report) $(addprefix firmware/update/,release runningimage slots) $(addprefix keystore/,ca keyring) $(IMPORTED) $(BOOT) $(REFER) $(RUNTIME) \
			$(addprefix firmware/,ima imaascii runtime_learn) $(addprefix firmware/,image/bootkeys image/espsite image/fat image/flash image/flashwrite image/gpt image/pe image/predict image/stubcpio init/site state/pcrsig state/recovery state/statepolicy state/statetoken) keystore/lease \
			$(FENCE) $(MAPS) $(BASE) $(SIGN)
merestone_LIB        := libcurl libssl libcrypto jansson

merestoned_MAIN      := cmd/merestoned
merestoned_OBJ       := $(addprefix cmd/,authority libexec) $(BASE)
merestoned_LIB       := jansson

merestone-agent_MAIN := cmd/merestone-agent
merestone-agent_OBJ  := $(addprefix cmd/,agentloop agentsay cli libexec) $(addprefix federation/,agent agentattest agentbounds agentconfig agentdata agentgnss agentima agentrenew agentstate agenttag agentupdate) \
			$(CLIENT) $(addprefix attest/,bound claims counter endpoint evidence extkey nvname policyref proverclient quoterclient tag) firmware/ima firmware/update/release $(addprefix keystore/,lease leaseuse) $(addprefix geofence/,fix fixwire gnss gpsdaddress locatorclient locatorwire) \
			base/sandbox $(BASE) $(SIGN)
merestone-agent_LIB  := libcurl libssl libcrypto jansson libseccomp

door_MAIN            := federation/door
door_OBJ             := $(addprefix federation/,blob bucket conn forward httpcheck peer reply route scan serve) attest/ask \
			keystore/answer base/sandbox base/sha $(BASE)
door_LIB             := libevent libevent_openssl libssl libcrypto jansson libseccomp

judge_MAIN           := attest/judge
judge_OBJ            := $(addprefix attest/,ask bound certify claims counter evidence extkey facts judgecase judgeworker nvname quote tag tagindex tpmpub) $(EKCERT) $(BOOT) firmware/ima \
			$(addprefix geofence/,fix fixwire gnss) base/ring base/sandbox $(BASE) $(SIGN)
judge_LIB            := libcrypto jansson libseccomp

decider_MAIN         := policy/decider
decider_OBJ          := $(addprefix policy/,anchor appraise audit batch book bootlog bounds decide decidercase docupdate document ear enrol fenceevent imastate imatrack leased listing located machine \
			nonce outcome pending placestate query record rollout shelf store storevfs trust verdict waves whereabouts) firmware/update/release \
			$(addprefix attest/,ask bound certify counter evidence extkey facts nvname policyref quote tag tagindex tpmpub) $(EKCERT) $(addprefix geofence/,apart discs fixwire gnss gnssjudge) $(BOOT) $(REFER) $(IMA) $(RUNTIME) $(FENCE) \
			base/ring base/sandbox $(BASE) $(SIGN)
decider_LIB          := libcrypto jansson sqlite3 libseccomp

keeper_MAIN          := keystore/keeper
keeper_OBJ           := $(addprefix keystore/,answer ca keepercase keyring lease seal) $(addprefix attest/,counter credential ekseed extkey nvname policyref tpmkdf tpmpub) $(EKPUB) \
			policy/verdict base/ring base/sandbox $(BASE) $(SIGN)
keeper_LIB           := libcrypto jansson libseccomp

prover_MAIN          := attest/prover
prover_OBJ           := $(MEASURE) $(addprefix attest/,prove) base/sandbox $(BASE) $(SIGN)
prover_LIB           := libcrypto jansson libseccomp

merestone-landmark_MAIN := cmd/merestone-landmark
merestone-landmark_OBJ  := $(MEASURE) $(addprefix attest/,landmark) base/sandbox $(BASE) $(SIGN)
merestone-landmark_LIB  := libcrypto jansson libseccomp

quoter_MAIN          := attest/quoter
quoter_OBJ           := $(addprefix attest/,counter der ekpolicy evidence extkey nvname policyref quote quoterima quoterops quotertag tag tagindex tpm tpmcounter tpmek tpmkeys tpmnv tpmpub tpmquote tpmstate tpmtag tpmtemplate) \
			$(addprefix keystore/,dataset lease leaseuse tpmpolicy unseal) firmware/ima geofence/fix base/sandbox $(BASE) $(SIGN)
quoter_LIB           := tss2-esys tss2-tctildr tss2-mu tss2-rc libcrypto jansson libseccomp

supervisor_MAIN      := firmware/init/supervisor
supervisor_OBJ       := $(addprefix firmware/init/,appliance appliancenet clockset dhcp dhcprun firstparts lockdown minder network pcrevent pcrextend screen sha2 site stick verity watchdog) \
			firmware/eventlog firmware/update/runningimage base/sandbox $(BASE) $(SIGN)
supervisor_LIB       := libcrypto jansson libseccomp

# The initramfs has no other file: static, of musl.
FIRST    := $(addprefix firmware/init/,first firsthand firstmodules firstparts firstroot firstsay bootline pcrevent pcrextend sha2 verity watchdog) \
	    firmware/eventlog $(addprefix base/,err file hex mem rd wr)

INIT     := $(patsubst %.c,build/%,$(wildcard firmware/init/first.c firmware/init/supervisor.c))

locator_MAIN         := geofence/locator
locator_OBJ          := $(addprefix geofence/,apart earth fix fixwire geodesic geotext gnss gnsswatch gpsdaddress gpsdjson gpsdlink gpsdstream locatorwire \
			sitewatch ubx) base/sandbox $(BASE)
locator_LIB          := jansson libseccomp

state_MAIN           := firmware/state/statemain
state_OBJ            := $(addprefix firmware/state/,pcrsig recovery statedisk statefloor statepolicy statetoken statetpm) firmware/update/runningimage \
			$(addprefix keystore/,lease tpmpolicy) $(addprefix attest/,counter der ekpolicy extkey nvname quote tpm tpmek tpmkdf tpmkeys tpmnv tpmpub tpmquote tpmstate tpmtemplate) $(BOOT) $(BASE) $(SIGN)
state_LIB            := tss2-esys tss2-tctildr tss2-mu tss2-rc libcryptsetup libcrypto jansson

updater_MAIN         := firmware/update/updater
updater_OBJ          := $(addprefix firmware/update/,install release runningimage slots updatedisk) base/sandbox $(BASE) $(SIGN)
updater_LIB          := libcrypto jansson libseccomp

BIN     := merestone merestoned merestone-agent merestone-landmark
LIBEXEC := door judge decider keeper quoter locator state updater prover

# Objects that may know neither files, clocks, memory nor globals; tests/pure.sh asks nm. What imports a document allocates.

IMPORT := $(addprefix firmware/,imasig reference_import refstate rules_import runtime_import runtime_learn) \
	  $(addprefix geofence/,border densify digest fence fence_geometry flat flatcheck gridbuild gridput raster rings \
	  seam) $(MAPS)
INNER  := $(addprefix firmware/image/,fat gpt pe predict stubcpio) firmware/state/statepolicy $(addprefix firmware/init/,bootline dhcp pcrevent sha2 verity) $(addprefix firmware/update/,runningimage slots)
PURE   := $(filter-out $(IMPORT) $(addprefix firmware/,image/% init/% state/% update/%) $(addprefix geofence/,gpsdlink locatorclient),$(call nonmain,firmware geofence)) $(INNER) \
	  $(filter $(addprefix policy/,decide fenceevent waves whereabouts),$(call nonmain,policy))

# ---- Flags ----

ALL_LIB  := libcryptsetup libcurl libevent libevent_openssl libssl libcrypto jansson sqlite3 libseccomp tss2-esys tss2-tctildr tss2-mu tss2-rc
WARN     := -Wall -Wextra -Wconversion -Wshadow -Wvla -Werror
NAMED    := -DMERESTONE_VERSION='"$(VERSION)"' -DMERESTONE_LIBEXEC='"$(PREFIX)/libexec/merestone"'
COMMON   := -std=c11 -D_GNU_SOURCE -g -I. $(NAMED) $(WARN) -MMD -MP
HARDEN   := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -ffunction-sections -fdata-sections
SANITIZE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZING  := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK     := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed
CLANG    ?= clang
CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))

libs      = $(shell pkg-config --libs $(1)) -lm
TSS_FLAGS = $(eval TSS_FLAGS := $(shell pkg-config --cflags tss2-esys))$(TSS_FLAGS)
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '%-5s %s\n' $(1) $(2))
out       = $(if $(SAN),build/san,build)
need      = @mkdir -p $(@D)

.PHONY: help all atlas demo check check-long lint format fuzz fuzz-one unit units bench coverage image install clean deps \
	check-build force bench-attest bench-firmware bench-geofence deps-build deps-demo deps-bench deps-check deps-image deps-vm demo-image
.DELETE_ON_ERROR:
.SECONDARY:

help:
	@echo 'make demo        the whole story on this machine: an authority, four machines, eleven attacks'
	@echo 'make demo-image  the appliance in a virtual machine: boots, opens data, is updated; a tampered one is refused'
	@echo 'make check       every test; the last line counts them'
	@echo 'make check-long  the same, with ten minutes of fuzzing for each parser'
	@echo 'make lint        format, static analysis, shell scripts, manual pages'
	@echo 'make format      clang-format over the tree'
	@echo 'make fuzz        fuzz each parser for SECONDS=$(SECONDS)'
	@echo 'make bench       measure; rows go to build/bench'
	@echo 'make coverage    unit tests with line coverage per file'
	@echo 'make atlas       fetch maps of countries (npm) into build/atlas, for merestone fence import --country'
	@echo 'make image       the appliance: build/firmware/merestone.img; IMAGE_VARIANT=generic|cloud IMAGE_VERSION=1 IMAGE_KEYS=DIR'
	@echo 'make install     into DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)'
	@echo 'Also: all, unit T=test_X [DIRS="base X"], fuzz-one F=fuzz_X, deps, clean. V=1 shows commands, SAN=1 builds with sanitizers.'

# ---- Objects, in four builds ----

build/obj/%.o: %.c
	$(need)
	$(call say,CC,$<)
	$(Q)$(CC) $(COMMON) $(HARDEN) $(TSS_FLAGS) -c -o $@ $<

build/san/obj/%.o: %.c
	$(need)
	$(call say,SAN,$<)
	$(Q)$(CC) $(COMMON) $(SANITIZE) $(TSS_FLAGS) -c -o $@ $<

build/fuzz/obj/%.o: %.c
	$(need)
	$(call say,FUZZ,$<)
	$(Q)$(CLANG) $(COMMON) $(FUZZING) $(TSS_FLAGS) -c -o $@ $<

build/cov/obj/%.o: %.c
	$(need)
	$(call say,COV,$<)
	$(Q)$(CC) $(COMMON) -O0 --coverage $(TSS_FLAGS) -c -o $@ $<

MUSL = musl-gcc -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)
build/musl/obj/%.o: %.c
	$(need)
	$(call say,MUSL,$<)
	$(Q)$(MUSL) $(COMMON) -Os -ffunction-sections -fdata-sections -fstack-protector-strong -c -o $@ $<
build/firmware/init/first: $(FIRST:%=build/musl/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(MUSL) -static -s -Wl,--gc-sections -Wl,-z,noexecstack -o $@ $^

# What has the version or the prefix in it is made again when they change.
build/named: force
	$(need)
	$(Q)echo '$(VERSION) $(PREFIX)' | cmp -s - $@ || echo '$(VERSION) $(PREFIX)' >$@
NAMING := $(patsubst %.c,%.o,$(shell grep -lE 'MERESTONE_(VERSION|LIBEXEC)' cmd/*.c federation/*.c 2>/dev/null))
$(foreach b,build/obj build/san/obj build/fuzz/obj build/cov/obj,$(addprefix $(b)/,$(NAMING))): build/named

# ---- Programs, plain and sanitized; one whose main file is missing is left out ----

exists = $(foreach p,$(1),$(if $(wildcard $($(p)_MAIN).c),$(p)))
files  = $(addprefix $(1)/,$(call exists,$(BIN))) $(addprefix $(1)/libexec/,$(call exists,$(LIBEXEC)))

# $(1): program, $(2): its path
define program
build/$(2): build/obj/$$($(1)_MAIN).o $$($(1)_OBJ:%=build/obj/%.o)
	$$(need)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(LINK) -o $$@ $$^ $$(call libs,$$($(1)_LIB))
build/san/$(2): build/san/obj/$$($(1)_MAIN).o $$($(1)_OBJ:%=build/san/obj/%.o)
	$$(need)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(SANITIZE) -o $$@ $$^ $$(call libs,$$(ALL_LIB))
endef
$(foreach p,$(BIN),$(eval $(call program,$(p),$(p))))
$(foreach p,$(LIBEXEC),$(eval $(call program,$(p),libexec/$(p))))
$(eval $(call program,supervisor,firmware/init/supervisor))

all: $(call files,$(out))

# ---- Tests: a test may call whatever is not a program. DIRS narrows it while other folders do not build ----

DIRS      ?= $(FOLDERS)
TEST_OBJ  := $(call nonmain,$(DIRS))
UNITS     := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZERS   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS     := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
BENCH_OBJ := $(patsubst %.c,build/obj/%.o,$(wildcard tests/bench/*.c))

build/san/unit/%: build/san/obj/tests/unit/%.o $(TEST_OBJ:%=build/san/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lcmocka $(call libs,$(ALL_LIB))

build/cov/unit/%: build/cov/obj/tests/unit/%.o $(TEST_OBJ:%=build/cov/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) --coverage -o $@ $^ -lcmocka $(call libs,$(ALL_LIB))

build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $(TEST_OBJ:%=build/fuzz/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(call libs,$(ALL_LIB))

build/tools/%: build/obj/tests/tools/%.o $(TEST_OBJ:%=build/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(call libs,$(ALL_LIB))

build/bench/attest: $(patsubst %.c,build/obj/%.o,$(wildcard tests/bench/attest/*.c)) build/obj/tests/bench/softtpm.o \
	$(TEST_OBJ:%=build/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(call libs,$(ALL_LIB))

# In an appliance, in the place of its updater.
build/bench/guestmem: build/obj/tests/bench/guest/guestmem.o build/obj/base/file.o build/obj/base/err.o build/obj/base/mem.o
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) -o $@ $^

build/bench/load: $(BENCH_OBJ) $(TEST_OBJ:%=build/obj/%.o)
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(call libs,$(ALL_LIB))

# Beside the engines of others, which are C++.
build/obj/tests/bench/geo/peers.o: tests/bench/geo/peers.cc
	$(need)
	$(call say,CXX,$<)
	$(Q)$(CXX) -std=c++17 -O2 -g -I. -Wall -fPIE -MMD -MP -c -o $@ $<
build/bench/fence: $(patsubst %.c,build/obj/%.o,$(wildcard tests/bench/geo/*.c)) build/obj/tests/bench/geo/peers.o \
	$(patsubst %,build/obj/%.o,$(FENCE) base/sha $(BASE))
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LINK) -o $@ $^ $(call libs,jansson libcrypto) -lgeos_c -ls2

# Beside GeographicLib, which is C++.
build/obj/tests/geodiff/karney.o: tests/geodiff/karney.cc
	$(need)
	$(call say,CXX,$<)
	$(Q)$(CXX) -std=c++17 -O2 -g -I. -Wall -fPIE -MMD -MP -c -o $@ $<
build/tools/geodiff: build/obj/tests/geodiff/geodiff.o build/obj/tests/geodiff/karney.o \
	$(patsubst %,build/obj/%.o,$(FENCE) base/sha $(BASE))
	$(need)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LINK) -o $@ $^ $(call libs,jansson libcrypto geographiclib)

# They start real programs.
build/san/unit/test_quoter build/san/unit/test_quoterstream build/san/unit/test_quotertag build/san/unit/test_vendor: | build/san/libexec/quoter
build/san/unit/test_vendor: | build/tools/ekvendor
build/san/unit/test_locator: | build/san/libexec/locator
unit: build/san/unit/$(T)
	./$<
units: $(UNITS:%=build/san/unit/%)
fuzz-one: build/fuzz/$(F)
	tests/fuzz-one.sh $(F) $(SECONDS)
fuzz: deps-check
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZERS:%=build/fuzz/%)
	tests/run.sh --seconds $(SECONDS) fuzz

check-build: $(call files,build) $(INIT) $(call files,build/san) units $(FUZZERS:%=build/fuzz/%) $(TOOLS:%=build/tools/%) build/tools/geodiff \
	$(PURE:%=build/obj/%.o)
check: deps-check
	@$(MAKE) --no-print-directory -j$(JOBS) check-build
	@PURE='$(PURE:%=build/obj/%.o)' tests/run.sh --seconds $(SECONDS)
check-long: deps-check
	@MERESTONE_LONG=1 $(MAKE) --no-print-directory check SECONDS=600

lint: deps-check
	@tests/lint.sh
format: deps-check
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i
coverage: deps-check
	@$(MAKE) --no-print-directory -j$(JOBS) $(UNITS:%=build/cov/unit/%)
	@tests/coverage.sh

demo: deps-demo
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TOOLS:%=build/tools/%)
	@tests/demo.sh
demo-image: deps-vm
	@$(MAKE) --no-print-directory -j$(JOBS) all $(INIT) $(TOOLS:%=build/tools/%)
	@tests/demo-image.sh
bench: deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TOOLS:%=build/tools/%) build/bench/load build/bench/attest build/bench/fence \
		build/bench/guestmem $(INIT)
	@tests/bench.sh
	@tests/bench/attest/attestbench.sh
	@tests/bench/geo/geobench.sh
	@tests/bench/boundbench.sh
	@tests/bench/firmware.sh
bench-attest: deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) build/bench/attest
	@tests/bench/attest/attestbench.sh
bench-firmware: deps-vm
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TOOLS:%=build/tools/%) build/bench/guestmem $(INIT)
	@tests/bench/firmware.sh
bench-geofence: deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) build/bench/fence
	@tests/bench/geo/geobench.sh
atlas:
	@tests/atlas.sh
image: deps-image
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(call files,build) $(INIT)
	@firmware/image/build.sh

deps: deps-check
deps-build deps-demo deps-bench deps-check deps-image deps-vm: deps-%:
	@tests/deps.sh $*

MAN = $(wildcard $(addsuffix /*.[1578],$(FOLDERS)))
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/merestone
	install -m 755 $(addprefix $(out)/,$(call exists,$(BIN))) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(out)/libexec/,$(call exists,$(LIBEXEC))) $(DESTDIR)$(PREFIX)/libexec/merestone
	$(foreach m,$(MAN),install -D -m 644 $(m) $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)) &&) true

clean:
	rm -rf build

-include $(shell find build -name '*.d' -type f 2>/dev/null)
