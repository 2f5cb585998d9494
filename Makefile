# cordon: build, install, test. 'make help' lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
V ?= 0
SAN ?= 0
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
B := build
VERSION := 0.1.0
Q := $(if $(filter 1,$(V)),,@)
SAY := $(if $(QUIET),:,echo)

LIBS_geo := libmaxminddb jansson libcrypto zlib
LIBS_bpf := libbpf
LIBS_agent := libpcap libseccomp libzstd liblz4 liblzma libcurl libsystemd libssl rdkafka sqlite3 libmicrohttpd libarchive libpq
# optional: IPFire's location database is one more source
ifeq ($(shell pkg-config --exists libloc 2>/dev/null && echo yes),yes)
LIBS_geo += libloc
CFLAGS += -DHAVE_LIBLOC
endif
PKGS := $(LIBS_geo) $(LIBS_bpf) $(LIBS_agent)
WARN := -Wall -Wextra -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2
HARD := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fstack-clash-protection -fcf-protection
OPT ?= -O2 -g
ifeq ($(SAN),1)
B := build/san
OPT := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
HARD :=
endif
ifeq ($(COV),1)
B := build/cov
OPT := -O0 -g --coverage -fprofile-update=atomic
HARD :=
endif
ifeq ($(FUZZ),1)
B := build/fuzz
CC := $(CLANG)
OPT := -O1 -g -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
HARD :=
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS += -std=gnu17 $(OPT) $(WARN) $(HARD) -MMD -MP -I. -I$(B) -D_GNU_SOURCE \
	-DCORDON_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now
LDLIBS = $(PKG_LIBS) -lm

GEO := $(patsubst %.c,$(B)/%.o,$(wildcard geo/*.c geo/*/*.c))
RULES := $(patsubst %.c,$(B)/%.o,$(wildcard rules/*/*.c)) $(B)/rules/parse/grammar.o $(B)/rules/parse/lexer.o
BPFO := $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.o,$(wildcard bpf/prog/*.bpf.c))
SKEL := $(BPFO:.bpf.o=.skel.h)
BPFU := $(patsubst %.c,$(B)/%.o,$(wildcard bpf/load/*.c))
AGENT := $(patsubst %.c,$(B)/%.o,$(wildcard agent/*/*.c))
# a library a layer: a test of geo links libgeo.a alone, so the layers are real
AR_geo := $(B)/libgeo.a
AR_rules := $(B)/librules.a $(AR_geo)
AR_bpf := $(B)/libcordonbpf.a $(AR_rules)
AR_agent := $(B)/libagent.a $(AR_bpf)
UNIT := $(patsubst tests/%.c,$(B)/tests/%,$(foreach d,geo rules bpf agent,$(wildcard tests/$(d)/*_test.c)))

# the facts where a program of the build tree finds them (geo/facts/facts.h)
FACTS := $(patsubst geo/data/%,$(B)/share/cordon/%,$(wildcard geo/data/facts/*))
all: $(B)/cordon $(FACTS) ## build the agent, with the kernel programs inside it
	@:
$(B)/cordon: $(B)/agent/main.o $(AR_agent)
	@$(SAY) "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(FACTS): $(B)/share/cordon/%: geo/data/%
	@mkdir -p $(@D); cp $< $@
# main lists the verbs whose file is there
$(B)/agent/main.o: $(wildcard agent/cmd/*.c)
$(B)/libgeo.a: $(GEO)
$(B)/librules.a: $(RULES)
$(B)/libcordonbpf.a: $(BPFU)
$(B)/libagent.a: $(AGENT)
$(B)/%.a:
	@rm -f $@; $(AR) rcs $@ $^
$(B)/%.o: %.c
	@mkdir -p $(@D); $(SAY) "  CC  $<"
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<
# the key that signs bundles of facts: BUNDLE_KEY=PUBLIC.pem, else a pair of this build's own, whose private half stays here
BUNDLE_KEY ?= $(B)/bundle.pem
$(B)/bundle.key:
	@mkdir -p $(@D); umask 077; openssl genpkey -quiet -algorithm ed25519 -out $@ 2>/dev/null || openssl genpkey -algorithm ed25519 -out $@
$(B)/bundle.pem: $(B)/bundle.key
	@openssl pkey -in $< -pubout -out $@
$(B)/bundle_key.h: $(BUNDLE_KEY) FORCE
	@openssl pkey -pubin -in $< -noout -text | grep -qi ed25519 || { echo "$<: is no public Ed25519 key in PEM" >&2; exit 1; }
	@openssl pkey -pubin -in $< -outform DER | tail -c 32 | od -An -v -tx1 | \
		sed 's/ \(..\)/0x\1, /g; 1s/^/#define BUNDLE_PUBLIC_KEY { \\\n/; s/$$/\\/; $$s/\\$$/}/' > $@.new
	@cmp -s $@.new $@ || mv $@.new $@
FORCE:
$(B)/geo/facts/bundle.o $(B)/analyze/geo/facts/bundle: $(B)/bundle_key.h
$(B)/rules/%.c: rules/%.y
	@mkdir -p $(@D)
	$(Q)bison -Wall -Wno-yacc -d -o $@ $<
$(B)/rules/%.c: rules/%.l
	@mkdir -p $(@D)
	$(Q)flex -o $@ $<
$(B)/rules/%.o: $(B)/rules/%.c
	@$(SAY) "  CC  $<"
	$(Q)$(CC) $(CFLAGS) -Irules/parse -Wno-conversion -Wno-sign-conversion -Wno-missing-prototypes -Wno-unused-function -c -o $@ $<
$(B)/rules/parse/lexer.o: $(B)/rules/parse/grammar.c
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D); $(SAY) "  BPF $<"
	$(Q)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -MMD -MP -I. \
		-I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F)_bpf > $@
$(BPFU): | $(SKEL)
$(B)/agent/engine/engine.o: rules/examples/eu.conf # linked in: what a host without a policy gets

$(B)/tests/geo/%: tests/geo/%.c $(AR_geo)
	$(LINK_TEST)
$(B)/tests/rules/%: tests/rules/%.c $(AR_rules)
	$(LINK_TEST)
$(B)/tests/bpf/%: tests/bpf/%.c $(AR_bpf)
	$(LINK_TEST)
$(B)/tests/agent/%: tests/agent/%.c $(AR_agent)
	$(LINK_TEST)
define LINK_TEST
	@mkdir -p $(@D); $(SAY) "  TEST $<"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.a,$^) $(LDLIBS) -lcriterion
endef
# benchmark programs see every layer
BENCHES := $(patsubst tests/%.c,$(B)/tests/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
$(B)/tests/bench/%: tests/bench/%.c $(AR_agent)
	$(LINK_BENCH)
define LINK_BENCH
	@mkdir -p $(@D); $(SAY) "  BENCH $<"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
endef

# a libFuzzer binary a file of tests/fuzz, which sees every layer: make build/fuzz/policy_fuzz
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
ifeq ($(FUZZ),1)
build/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(AR_agent) | $(FACTS)
	@mkdir -p $(@D); $(SAY) "  FUZZ $<"
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(filter %.a,$^) $(LDLIBS)
else
$(FUZZERS):
	@$(MAKE) --no-print-directory FUZZ=1 $@
endif
fuzz: ## fuzz every reader of foreign bytes (FUZZ_SECONDS=60 each)
	@$(MAKE) --no-print-directory -j$(shell nproc) FUZZ=1 $(FUZZERS)
	@bash tests/fuzz/run.sh $(or $(FUZZ_SECONDS),60)

# after deps: the packages decide what pkg-config says
SUBMAKE = $(MAKE) --no-print-directory -j$(shell nproc) QUIET=1
RUN_TESTS = B=$(abspath $(B)) bash tests/run.sh
run: root deps ## watch this host's outbound flows (monitor mode; ARGS=... is passed on)
	@echo "building"; $(SUBMAKE) all
	@B=$(abspath $(B)) bash agent/install/try.sh $(ARGS)
demo: root deps-demo ## a pg_dump to the US refused, the same to Germany succeeds; a client set to the EU, caught by name
	@echo "building"; $(SUBMAKE) all
	@B=$(abspath $(B)) bash tests/live/demo.sh
test: root deps-test ## every test: unit, golden, hostile, live
	@echo "building"; $(SUBMAKE) all tests
	@$(RUN_TESTS) unit golden hostile live
tests: $(UNIT) $(FACTS)
	@:
unit: $(UNIT) $(FACTS) ## unit tests only
	@$(RUN_TESTS) unit
golden: all ## golden and hostile tests only
	@$(RUN_TESTS) golden hostile
live: root all ## live tests only (network namespaces, PostgreSQL); ONLY=name for one
	@$(RUN_TESTS) live
coverage: root deps-test ## lines that unit, golden, hostile and live tests reach, by layer and room
	@echo "building"; $(SUBMAKE) COV=1 all tests
	@find build/cov -name '*.gcda' -delete
	-@B=$(abspath build/cov) bash tests/run.sh unit golden hostile live
	@python3 tests/coverage.py build/cov
vm: root deps-vm ## the unit under a real systemd, in an emulated machine
	@echo "building"; $(SUBMAKE) all
	@$(RUN_TESTS) vm
bench: root all $(BENCHES) ## every benchmark; results in tests/bench/RESULTS.md
	@B=$(abspath $(B)) bash tests/bench/run.sh
lint: all ## style ruler, clang-format, banned functions, layers, cppcheck, gcc -fanalyzer
	@python3 tests/lint.py
	@git ls-files '*.c' '*.h' | grep -v shapes | xargs clang-format --dry-run -Werror
	@if command -v cppcheck >/dev/null; then cppcheck -q --std=c11 --enable=warning,performance,portability \
		--error-exitcode=1 --suppressions-list=tests/cppcheck.known --include=tests/cppcheck.h -I. \
		geo rules agent bpf/load; \
		else echo "cppcheck is not installed: not run"; fi
	@$(MAKE) --no-print-directory -j$(shell nproc) analyze
# gcc's analyzer, a file at a time and only what changed; what it gets wrong stands in tests/analyzer.known, and why:
# memory stored through a pointer that the caller owns and frees, and that errno is not 0 after a failure
analyze: $(patsubst %.c,$(B)/analyze/%,$(filter-out geo/distance/shapes.c,$(wildcard geo/*/*.c rules/*/*.c bpf/load/*.c agent/*.c agent/*/*.c)))
$(B)/analyze/%: %.c | all
	@mkdir -p $(@D); $(SAY) "  ANALYZE $<"
	$(Q)LC_ALL=C $(CC) -std=gnu17 -O0 -fanalyzer -D_GNU_SOURCE -DCORDON_VERSION='"$(VERSION)"' -I. -I$(B) -Irules/parse \
		$(PKG_CFLAGS) -MMD -MP -MT $@ -MF $@.d -c -o /dev/null $< 2>$@.log || { cat $@.log; exit 1; }
	@! sed -nE 's/^([^:]+):[0-9]+:[0-9]+: (warning:.*)/\1: \2/p' $@.log | grep -vxFf tests/analyzer.known || { cat $@.log; exit 1; }
	@touch $@
$(B)/analyze/%.c: $(B)/analyze/% ; @: # a file by its whole name

BIN := $(DESTDIR)$(PREFIX)/bin
SHARE := $(DESTDIR)$(PREFIX)/share
ETC := $(DESTDIR)/etc
UNITS := $(DESTDIR)/lib/systemd/system
INST = install -D -m
SERVICES := $(wildcard agent/install/*.service agent/install/*.timer)
MANS := $(wildcard agent/install/*.[1-8])
install: all ## install the agent, its units, man pages and eu.conf (DESTDIR, PREFIX)
	@$(INST) 755 $(B)/cordon $(BIN)/cordon
	@$(foreach f,$(SERVICES),install -d $(UNITS) && sed -E 's|/usr/local/s?bin/|$(PREFIX)/bin/|g' \
		$(f) > $(UNITS)/$(notdir $(f)) && chmod 644 $(UNITS)/$(notdir $(f)) &&) :
	@$(foreach f,$(MANS),$(INST) 644 $(f) $(SHARE)/man/man$(subst .,,$(suffix $(f)))/$(notdir $(f)) &&) :
	@$(foreach f,$(wildcard geo/data/facts/*),$(INST) 644 $(f) $(SHARE)/cordon/facts/$(notdir $(f)) &&) :
	@$(INST) 644 agent/install/cordon.bash $(SHARE)/bash-completion/completions/cordon
	@$(INST) 644 agent/install/cordon.zsh $(SHARE)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)/_cordon
	@$(foreach f,$(wildcard agent/install/sysusers.conf),$(INST) 644 $(f) $(DESTDIR)/usr/lib/sysusers.d/cordon.conf &&) :
	@$(foreach f,$(wildcard agent/install/tmpfiles.conf),$(INST) 644 $(f) $(DESTDIR)/usr/lib/tmpfiles.d/cordon.conf &&) :
	@$(foreach f,prometheus-alerts.yml grafana.json,$(INST) 644 agent/install/$(f) $(SHARE)/cordon/$(f) &&) :
	@$(foreach f,$(wildcard rules/examples/*),$(INST) 644 $(f) $(SHARE)/cordon/examples/$(notdir $(f)) &&) :
	@[ -e $(ETC)/cordon/geo.conf ] || [ ! -e agent/install/geo.conf ] || $(INST) 644 agent/install/geo.conf $(ETC)/cordon/geo.conf
	@[ -e $(ETC)/cordon/cordon.conf ] || { $(INST) 644 rules/examples/eu.conf $(ETC)/cordon/cordon.conf && \
		sed -i '/^# In dispute/i include  "conf.d/*.conf" # what you add, in the order of the names; before the rules below\n' $(ETC)/cordon/cordon.conf; }
	@install -d $(ETC)/cordon/conf.d
	@echo "installed under $(DESTDIR)$(PREFIX); $(ETC)/cordon/cordon.conf is the policy"
deb: all ## build the Debian package
	+@sh agent/install/deb.sh $(B) $(VERSION)
uninstall: ## remove what install put there; the policy stays
	@rm -f $(BIN)/cordon $(foreach f,$(SERVICES),$(UNITS)/$(notdir $(f))) \
		$(foreach f,$(MANS),$(SHARE)/man/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
		$(DESTDIR)/usr/lib/sysusers.d/cordon.conf $(DESTDIR)/usr/lib/tmpfiles.d/cordon.conf
	@rm -rf $(SHARE)/cordon $(SHARE)/bash-completion/completions/cordon $(SHARE)/zsh/*/_cordon
	@echo "removed; $(ETC)/cordon is left alone"

root:
	@[ "$$(id -u)" = 0 ] || { echo "cordon: this needs root: loading kernel programs and making network" \
		"namespaces do. Try: sudo make $(MAKECMDGOALS)" >&2; exit 1; }
deps: ## install what the build needs (Debian 12, apt)
	@sh agent/install/deps.sh build
deps-demo deps-test deps-vm: deps-%:
	@sh agent/install/deps.sh $*
clean: ## remove build/
	rm -rf build
help: ## this text
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'
.PHONY: FORCE coverage fuzz $(if $(FUZZ),,$(FUZZERS)) analyze all run demo test tests unit golden live vm bench lint install deb uninstall root deps deps-demo \
	deps-test deps-vm clean help
.DELETE_ON_ERROR:
# kept though only a step on the way; not .SECONDARY: a missing object would then be taken for made
.PRECIOUS: $(B)/bpf/%.bpf.o $(B)/bpf/%.skel.h $(B)/rules/%.c $(B)/%.o
-include $(shell find $(B) \( -path $(B)/vm -o -path $(B)/test -o -path $(B)/san -o -path $(B)/cov -o -path $(B)/fuzz \) -prune -o -type f -name '*.d' -print 2>/dev/null)
