# netc: see README.md. `make run` and `make test` install what they need; `make` only builds.
# V=1 shows the commands; CC=clang-19, B=DIRECTORY and NETC=PROGRAM build beside what is there.
ifeq ($(origin CC),default)
CC       = gcc
endif
LLVM    ?= llvm-config-19
B       ?= build
# Commands are told by one line each, and run on every core, unless make is told otherwise.
V       ?= 0
Q        = $(if $(filter 0,$(V)),@)
say      = $(if $(filter 0,$(V)),@printf '%-5s %s\n' $(1))
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
# Goals that build nothing by themselves, or install what is missing first.
ifneq ($(filter-out run test asan docs deps deps-mpi deps-test portable clean,$(or $(MAKECMDGOALS),all)),)
ifeq ($(shell command -v $(LLVM)),)
$(error $(LLVM) is not installed: `make deps` installs what netc is built with)
endif
endif
STD      = -std=c11 -D_GNU_SOURCE
WARN     = -Wall -Wextra -Werror
# -ffp-contract=off: the interpreter's arithmetic is the definition; fma is written where it is meant.
OPT      = -O2 -g -ffp-contract=off
LLVM_INCLUDE := $(shell $(LLVM) --includedir 2>/dev/null)
LLVM_LIBS    := $(shell $(LLVM) --ldflags --libs core orcjit native passes irreader linker bitwriter all-targets 2>/dev/null)
CPPFLAGS += -iquote . -iquote compiler -iquote $(B) $(LLVM_INCLUDE:%=-isystem %)
CFLAGS  += $(STD) $(WARN) $(OPT) -pthread $(EXTRA)
LDLIBS   = $(LLVM_LIBS) -ljson-c -lprotobuf-c -lzip -lpng -ljpeg -lwebp -lz -lm

SRC  = $(wildcard compiler/*/*.c runtime/*.c cli/*.c)
GEN  = $(B)/parse.c $(B)/lex.c $(B)/oplib.c $(B)/pages.c $(B)/embed.c $(B)/onnx.pb-c.c
OBJ  = $(SRC:%.c=$(B)/%.o) $(GEN:.c=.o)

NETC ?= netc

all: netc

# The plugins for MPI, one for each library whose compiler wrapper is installed (`make deps-mpi`).
MPI = $(foreach m,openmpi mpich,$(if $(shell command -v mpicc.$(m)),$(B)/mpi-$(m).so))
netc: $(MPI)
$(B)/mpi-%.so: mpi/ranks_mpi.c runtime/ranks.h
	@mkdir -p $(@D)
	$(call say,MPICC $@)
	$(Q)mpicc.$* $(STD) $(WARN) -O2 -g -fPIC -shared -iquote . -o $@ $<
$(NETC): $(OBJ)
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# Loops over every value of a data set: gcc makes vectors of them at -O3 only.
$(B)/runtime/value_loops.o: OPT += -O3
$(B)/parse.c: compiler/lang/parse.y
	@mkdir -p $(@D)
	$(call say,BISON $<)
	$(Q)bison -Wall -o $@ --defines=$(B)/parse.h $<
$(B)/parse.h: $(B)/parse.c ;
$(B)/lex.c: compiler/lang/lex.l
	@mkdir -p $(@D)
	$(call say,FLEX $<)
	$(Q)flex --header-file=$(B)/lex.h -o $@ $<
$(B)/lex.h: $(B)/lex.c ;
# The folder is there for operators that went away.
$(B)/oplib.c: compiler/lang/oplib.awk $(sort $(wildcard compiler/lang/ops/*.op)) compiler/lang/ops
	@mkdir -p $(@D)
	$(call say,AWK $@)
	$(Q)LC_ALL=C awk -f $(filter-out compiler/lang/ops,$^) > $@.tmp && mv $@.tmp $@
$(B)/pages.c: cli/pages.awk $(sort $(wildcard docs/errors/*.md)) docs/errors
	@mkdir -p $(@D)
	$(call say,AWK $@)
	$(Q)LC_ALL=C awk -f $(filter-out docs/errors,$^) > $@.tmp && mv $@.tmp $@
$(B)/onnx.pb-c.c: compiler/product/onnx.proto
	@mkdir -p $(@D)
	$(call say,PROTO $<)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
$(B)/onnx.pb-c.h: $(B)/onnx.pb-c.c ;
$(B)/compiler/product/onnx.o $(B)/compiler/import/model.o: $(B)/onnx.pb-c.h
# Code that goes into objects: C made into LLVM IR that no machine's widths have entered.
EMBED_FLAGS = --target=x86_64-unknown-none -std=c11 $(WARN) -Oz -ffreestanding -fno-builtin -ffp-contract=off \
  -fno-vectorize -fno-slp-vectorize -fno-unwind-tables -fno-asynchronous-unwind-tables -iquote compiler
$(B)/embed/%.ll: runtime/embed/%.c runtime/embed/embed.h compiler/base/philox.h compiler/base/draw.h
	@mkdir -p $(@D)
	$(call say,CLANG $<)
	$(Q)clang-19 $(EMBED_FLAGS) -S -emit-llvm -o $@ $<
$(B)/embed.c: compiler/product/embed.awk $(patsubst runtime/%.c,$(B)/%.ll,$(sort $(wildcard runtime/embed/*.c)))
	$(call say,AWK $@)
	$(Q)LC_ALL=C awk -f $^ > $@.tmp && mv $@.tmp $@
$(B)/lex.o $(B)/compiler/lang/syntax.o: $(B)/parse.h $(B)/lex.h
$(GEN:.c=.o): $(B)/%.o: $(B)/%.c
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-error -Wno-unused-but-set-variable -MMD -MP -c -o $@ $<

# --- what people type ---

deps:
	@sh scripts/deps.sh build
deps-mpi:
	@sh scripts/deps.sh mpi
deps-test:
	@sh scripts/deps.sh test

# Installs what is missing, builds, and trains the report's network on the real data.
run: deps
	@$(MAKE) --no-print-directory netc
	./netc train models/emoji.net

test: deps-test
	@$(MAKE) --no-print-directory netc check-all

# The whole suite under AddressSanitizer and UndefinedBehaviorSanitizer.
SANITIZE = B=build-asan NETC=netc-asan \
  EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
asan: deps-test
	@$(MAKE) --no-print-directory $(SANITIZE) netc-asan check-all
# clang, both sanitizers, and the counters of its fuzzer, in one build. (Compiled kernels carry no type for
# its check of calls.)
SANITIZE_CLANG = B=build-fuzz NETC=netc-fuzz CC=clang-19 EXTRA="-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function \
  -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
clang-quick:
	@$(MAKE) --no-print-directory $(SANITIZE_CLANG) netc-fuzz check-quick
clang-fuzzers:
	@$(MAKE) --no-print-directory $(SANITIZE_CLANG) fuzzers
random-asan:
	@$(MAKE) --no-print-directory $(SANITIZE) build-asan/random_networks

PREFIX ?= /usr/local
# Program, manual pages, completion, models and examples. DESTDIR= stages for packagers.
install: $(NETC)
	@DESTDIR=$(DESTDIR) sh scripts/install.sh install ./$(NETC) $(PREFIX)
uninstall: $(NETC)
	@DESTDIR=$(DESTDIR) sh scripts/install.sh uninstall ./$(NETC) $(PREFIX)
# build/netc_VERSION_ARCH.deb, for the Debian that it is built on.
deb: $(NETC)
	@sh scripts/deb.sh ./$(NETC) $(B)
# build-portable/netc: one file for any x86-64 Linux, with everything linked in.
portable:
	@sh scripts/portable.sh

# --- tests: every tests/test_*.c is a program, every tests/*/run.sh and tests/*.sh a script ---

TEST_SRC = $(wildcard tests/test_*.c)
TESTS    = $(TEST_SRC:tests/%.c=$(B)/%)
LIBOBJ   = $(filter-out $(B)/cli/main.o,$(OBJ))
SCRIPTS  = $(wildcard tests/*.sh tests/*/run.sh)

$(B)/test_%: tests/test_%.c $(LIBOBJ)
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(LIBOBJ) $(LDLIBS) -lcmocka

# Random networks (tests/random): a program of several files.
RANDOM_OBJ = $(patsubst %.c,$(B)/%.o,$(wildcard tests/random/*.c))
$(B)/random_networks: $(RANDOM_OBJ) $(LIBOBJ)
	$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(B)/run_network: tests/run_network.c $(LIBOBJ)
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(LIBOBJ) $(LDLIBS)

# Fuzz targets: scripts/fuzz.sh builds them with clang.
$(B)/fuzz_%: tests/fuzz_%.c $(LIBOBJ)
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(LIBOBJ) $(LDLIBS)
FUZZ = $(patsubst tests/%.c,$(B)/%,$(wildcard tests/fuzz_*.c))
fuzzers: $(FUZZ)

# The tests that take little, for builds that are slow.
QUICK = $(addprefix $(B)/test_,frontend nests runtime dataset image pickle)
check-quick: $(QUICK) $(B)/random_networks $(NETC)
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL NETC=./$(NETC) BUILD=$(B) COUNT=8 sh tests/run-all $(QUICK) -- \
	  tests/run-bad.sh tests/random/run.sh

check-all: $(TESTS) $(B)/random_networks $(NETC) $(B)/run_network
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL NETC=./$(NETC) BUILD=$(B) sh tests/run-all $(TESTS) -- $(SCRIPTS)

# The listings of the documentation, as the commands print them now.
listings: netc
	python3 scripts/listings.py ./$(NETC) $$(grep -l '^```console' README.md docs/*.md examples/*/README.md)

# The documentation as a site: build/site/index.html.
docs:
	@sh scripts/docs.sh $(B)/site

bench: netc
	sh bench/run.sh

clean:
	rm -rf build build-* netc netc-*
# Clang, sanitizers, layout, fuzzing: what .ci/run asks for after the whole suite.
ci: deps-test
	@sh scripts/ci.sh
.PHONY: ci fuzzers check-quick clang-quick clang-fuzzers random-asan

.PHONY: all deps deps-mpi deps-test run test asan random-asan install uninstall deb portable check-all listings docs bench clean
-include $(OBJ:.o=.d) $(TESTS:=.d) $(RANDOM_OBJ:.o=.d)
