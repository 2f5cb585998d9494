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

LIBS_geo := libmaxminddb jansson libcrypto
LIBS_bpf := libbpf
LIBS_agent := libpcap zlib libcurl libsystemd
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
CFLAGS += -std=gnu17 $(OPT) $(WARN) $(HARD) -MMD -MP -I. -I$(B) -D_GNU_SOURCE \
	-DCORDON_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS += -pie -Wl,-z,relro,-z,now
LDLIBS = $(shell pkg-config --libs $(PKGS)) -lm

GEO := $(patsubst %.c,$(B)/%.o,$(wildcard geo/*.c))
RULES := $(patsubst %.c,$(B)/%.o,$(wildcard rules/*.c)) \
	$(patsubst %.y,$(B)/%.o,$(wildcard rules/*.y)) $(patsubst %.l,$(B)/%.o,$(wildcard rules/*.l))
BPFO := $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKEL := $(BPFO:.bpf.o=.skel.h)
BPFU := $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard bpf/*.c)))
AGENT := $(patsubst %.c,$(B)/%.o,$(filter-out agent/main.c,$(wildcard agent/*.c agent/*/*.c)))
# a library a layer: a test of geo links libgeo.a alone, so the layers are real
AR_geo := $(B)/libgeo.a
AR_rules := $(B)/librules.a $(AR_geo)
AR_bpf := $(B)/libcordonbpf.a $(AR_rules)
AR_agent := $(B)/libagent.a $(AR_bpf)
UNIT := $(patsubst tests/%.c,$(B)/tests/%,$(foreach d,geo rules bpf agent,$(wildcard tests/$(d)/*_test.c)))

all: $(B)/cordon ## build the agent, with the kernel programs inside it
$(B)/cordon: $(B)/agent/main.o $(AR_agent)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/libgeo.a: $(GEO)
$(B)/librules.a: $(RULES)
$(B)/libcordonbpf.a: $(BPFU)
$(B)/libagent.a: $(AGENT)
$(B)/%.a:
	@rm -f $@; $(AR) rcs $@ $^
$(B)/%.o: %.c
	@mkdir -p $(@D); echo "  CC  $<"
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<
$(B)/rules/%.c: rules/%.y
	@mkdir -p $(@D)
	$(Q)bison -Wall -Wno-yacc -d -o $@ $<
$(B)/rules/%.c: rules/%.l
	@mkdir -p $(@D)
	$(Q)flex -o $@ $<
$(B)/rules/%.o: $(B)/rules/%.c
	@echo "  CC  $<"
	$(Q)$(CC) $(CFLAGS) -Irules -Wno-conversion -Wno-sign-conversion -Wno-missing-prototypes -Wno-unused-function -c -o $@ $<
$(B)/rules/lexer.o: $(B)/rules/grammar.c
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D); echo "  BPF $<"
	$(Q)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -MMD -MP -I. \
		-I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@
$(BPFU): | $(SKEL)

$(B)/tests/geo/%: tests/geo/%.c $(AR_geo)
	$(LINK_TEST)
$(B)/tests/rules/%: tests/rules/%.c $(AR_rules)
	$(LINK_TEST)
$(B)/tests/bpf/%: tests/bpf/%.c $(AR_bpf)
	$(LINK_TEST)
$(B)/tests/agent/%: tests/agent/%.c $(AR_agent)
	$(LINK_TEST)
define LINK_TEST
	@mkdir -p $(@D); echo "  TEST $<"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcriterion
endef
unit: $(UNIT) ## unit tests only
	@for t in $(UNIT); do $$t --quiet || exit 1; done

deps: ## install what is missing (Debian 12)
	@sh agent/host/deps.sh
clean: ## remove build/
	rm -rf build
help: ## this text
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'
.PHONY: all unit deps clean help
.DELETE_ON_ERROR:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
