# netc: see README.md. `make run` and `make test` install what they need; `make` only builds.
CC      ?= gcc
LLVM    ?= llvm-config-19
B       ?= build
STD      = -std=c11 -D_GNU_SOURCE
WARN     = -Wall -Wextra -Werror
# -ffp-contract=off: the interpreter's arithmetic is the definition; fma is written where it is meant.
OPT      = -O2 -g -ffp-contract=off
CPPFLAGS += -I. -Icompiler -I$(B) $(shell $(LLVM) --cflags 2>/dev/null | tr ' ' '\n' | grep '^-I')
CFLAGS  += $(STD) $(WARN) $(OPT) -fopenmp $(EXTRA)
LDLIBS   = $(shell $(LLVM) --libs core orcjit native passes all-targets 2>/dev/null) -ljson-c -lzip -lpng -ljpeg -lm

SRC  = $(wildcard compiler/*.c runtime/*.c cli/*.c)
GEN  = $(B)/parse.c $(B)/lex.c $(B)/oplib.c
OBJ  = $(SRC:%.c=$(B)/%.o) $(GEN:.c=.o)

all: netc
netc: $(OBJ)
	$(CC) $(CFLAGS) -o $@ $^ $(shell $(LLVM) --ldflags) $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/parse.c: compiler/parse.y
	@mkdir -p $(@D)
	bison -Wall -o $@ --defines=$(B)/parse.h $<
$(B)/parse.h: $(B)/parse.c ;
$(B)/lex.c: compiler/lex.l
	@mkdir -p $(@D)
	flex --header-file=$(B)/lex.h -o $@ $<
$(B)/lex.h: $(B)/lex.c ;
$(B)/oplib.c: compiler/oplib.awk $(sort $(wildcard compiler/ops/*.op))
	@mkdir -p $(@D)
	LC_ALL=C awk -f $^ > $@.tmp && mv $@.tmp $@
$(B)/lex.o $(B)/compiler/syntax.o: $(B)/parse.h $(B)/lex.h
$(B)/parse.o $(B)/lex.o $(B)/oplib.o: $(B)/%.o: $(B)/%.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-error -MMD -MP -c -o $@ $<

clean:
	rm -rf build build-* netc
.PHONY: all clean
-include $(OBJ:.o=.d)
