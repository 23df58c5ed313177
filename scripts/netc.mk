# The rules that make objects of networks, for other projects' makefiles:
#   include /usr/local/share/netc/netc.mk
#   NETCFLAGS = --weights=digits.safetensors
#   app: app.c digits.o
# NETCFLAGS says what goes in (netc build --help); the header stands beside the object.
NETC ?= netc
%.o: %.net
	$(NETC) build $(NETCFLAGS) -o $@ $<
%.wasm: %.net
	$(NETC) build $(NETCFLAGS) --target=wasm32 -o $(@:.wasm=.wasm.o) $<
	wasm-ld-19 --no-entry --export-dynamic --export=__heap_base -o $@ $(@:.wasm=.wasm.o)
