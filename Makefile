# retrograd. Two commands to begin with:  make deps run     make deps test
#
#   all (default)      libretrograd.a and libretrograd.so, linked to from build/; programs: examples, tests, benchmarks
#   deps, deps-dev     install what is missing through apt: to build, run and test; for lint, sanitizers, other processors
#   run                train on Fashion-MNIST; ARGS='--epochs 3 --seed 1'
#   test               everything; LONG=1 adds the long tests, TESTS='test_tape test_ops' runs these only
#   san, tsan          the tests under ASan + UBSan + LSan; those with threads under TSan
#   valgrind           VALGRIND_TESTS under valgrind
#   fuzz               the file readers under libFuzzer and ASan (clang): RUNS=10000000 inputs each; FUZZ=npy
#   parity             compare with PyTorch's cases; GOLDEN=file.jsonl.gz ONLY=op,op
#   trajectories       replay PyTorch's optimizer trajectories; FILE=rows.tsv ONLY=name,name
#   mutants            plant faults in the derivative rules and see that the tests find them
#   bench              training steps beside the processor's peak (PEERS=1: and PyTorch), into build/bench.jsonl
#   bench-kernels      products beside OpenBLAS and oneDNN, element functions, memory-bound operations; ARGS=layouts
#   adbench            ADBench's problems beside their objectives; DATA=dir PEERS=1
#   bench-tape         ns and bytes per recorded operation, gcc and clang
#   lint, format       house rules; clang-format on the .c files
#   headers, ops       generate from autograd/ops.def: the committed headers; build/ops.md, a reference of the operations
#   install, uninstall PREFIX=/usr/local DESTDIR=
#   clean              remove build/
#
# Everything built goes under build/, in one folder for each compiler, MODE and set of flags, so that they live side by
# side and changed flags rebuild. CC, CPPFLAGS, CFLAGS, LDFLAGS are yours, CFLAGS come last; WERROR=1, V=1, JOBS=n.

JOBS ?= $(shell nproc 2>/dev/null || echo 1)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-builtin-rules

DEPS     = libc6-dev g++ pkg-config uthash-dev zlib1g-dev libjansson-dev liblapacke-dev libcmocka-dev \
           dataset-fashion-mnist
DEPS_DEV = clang libclang-rt-14-dev clang-format valgrind graphviz gcc-aarch64-linux-gnu libc6-dev-arm64-cross

.PHONY: all programs deps deps-dev run test san tsan valgrind fuzz fuzz-run parity trajectories mutants \
        bench bench-kernels bench-tape bench-tape-one adbench peers lint format headers ops install uninstall clean FORCE
.DEFAULT_GOAL = all

deps:
	@.ci/deps $(DEPS)
deps-dev: deps
	@.ci/deps $(DEPS_DEV)

# `make deps test`: the other goals begin in a make of their own when deps is done, and find what it installed.
installing := $(filter deps deps-dev,$(MAKECMDGOALS))
after := $(filter-out $(installing),$(MAKECMDGOALS))
ifneq ($(and $(installing),$(after)),)
.PHONY: $(after) after-deps
$(after): after-deps
	@:
after-deps: $(installing)
	@$(MAKE) --no-print-directory $(after)
else

# ---- flags -----------------------------------------------------------------------------------------------------------
MODE ?= release
ifeq ($(filter release san tsan fuzz,$(MODE)),)
$(error MODE is release, san, tsan or fuzz, not "$(MODE)")
endif
# No null check: of a thread-local address it tests the flags of an addition that the linker may replace by a lea. ASan
# stops at NULL as well.
mode_flags.san  = -DAG_DEBUG -fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=all \
                  -fno-omit-frame-pointer
mode_flags.fuzz = $(mode_flags.san) -fsanitize=fuzzer-no-link
mode_flags.tsan = -DAG_DEBUG -fsanitize=thread -fno-omit-frame-pointer
# Reports of sanitizers need lines, not types: all of -g would fill gigabytes.
CFLAGS ?= $(if $(filter release,$(MODE)),-g,-g1)
# What calls kernels more than it computes is smaller, and no slower, without unrolled loops.
calls = autograd/ops/% autograd/io/% nn/% test/% examples/%
# Rules made of other operations, which every program with a second derivative links.
rules = autograd/tape/sweep_recorded%
loops = $(filter-out autograd/kernels/gemm% autograd/kernels/matvec%,$(wildcard autograd/kernels/*.c))
# Elsewhere functions have their own cache lines: the timing of one does not move with the size of another.
aligned = -falign-functions=64 -falign-loops=32
level = $(if $(filter release,$(MODE)),$(if $(filter $(rules),$1),-Os,$(if $(filter $(calls) $(loops),$1),-O2 \
        -ftree-vectorize,-O3)),-O1) $(if $(filter $(calls) $(rules),$1),,$(aligned))

warnings = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla $(if $(WERROR),-Werror)
compile  = $(CC) -std=c11 $(warnings) -I. $(CPPFLAGS) $(mode_flags.$(MODE))
# Nothing is thrown through C: the tables for it would be a tenth of the library (debuggers read those of -g).
library_flags = -DAG__LIBRARY -fPIC -fvisibility=hidden -fno-semantic-interposition -ffunction-sections \
                -fdata-sections $(if $(filter release,$(MODE)),-DNDEBUG -fno-asynchronous-unwind-tables)
bench_flags   = -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast

# Kernels are compiled once per instruction set; kernels/dispatch*.c choose at run time.
isas = generic
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
isas += avx2 avx512
dispatch_flags = -DAG__HAVE_X86=1
endif
# Where a faster set is to be had, the loops of the portable one need not be vectors.
loop_flags.generic = $(if $(filter release,$(MODE)),$(if $(word 2,$(isas)),-fno-tree-vectorize))
kernel_flags     = -ffp-contract=fast -fno-math-errno -fno-trapping-math
# gcc's bug 110027: what ASan keeps of a stack is not aligned for vectors of 64 bytes.
ifeq ($(filter san,$(MODE))$(findstring clang,$(CC)),san)
kernel_flags    += --param asan-use-after-return=0
endif
# Loops to be vectorised, each operation rounded by itself.
optim_flags      = -fno-math-errno -fno-trapping-math -ffp-contract=off
# safetensors' headers are JSON. Without jansson, or with JANSSON= , saving says that it is missing.
JANSSON ?= $(shell pkg-config --exists jansson 2>/dev/null && echo yes)
ifneq ($(strip $(JANSSON)),)
io_flags := -DAG_HAVE_JANSSON $(shell pkg-config --cflags jansson 2>/dev/null)
io_libs  := $(or $(shell pkg-config --libs jansson 2>/dev/null),-ljansson)
endif
# Data sets come gzipped. Without zlib, or with ZLIB= , reading such a file says so.
ZLIB ?= $(shell pkg-config --exists zlib 2>/dev/null && echo yes)
ifneq ($(strip $(ZLIB)),)
nn_flags := -DAG_HAVE_ZLIB $(shell pkg-config --cflags zlib 2>/dev/null)
nn_libs  := $(or $(shell pkg-config --libs zlib 2>/dev/null),-lz)
endif
# Decompositions of matrices are LAPACK's, loaded when first asked for. Without LAPACKE, or with LAPACKE= , they say that
# it is missing.
LAPACKE ?= $(shell pkg-config --exists lapacke 2>/dev/null && echo yes)
ifneq ($(strip $(LAPACKE)),)
ops_flags := -DAG_HAVE_LAPACKE $(shell pkg-config --cflags lapacke 2>/dev/null)
ops_libs  := -ldl
endif
# Large products by a CBLAS library: make BLAS=openblas (Debian's libopenblas-dev).
ifneq ($(strip $(BLAS)),)
blas_flags := -DAG_HAVE_CBLAS $(shell pkg-config --cflags $(BLAS) 2>/dev/null)
blas_libs  := $(or $(shell pkg-config --libs $(BLAS) 2>/dev/null),-l$(BLAS))
endif
optional_libs := $(io_libs) $(nn_libs) $(ops_libs) $(blas_libs)
isa_flags.avx2   = -mavx2 -mfma
isa_flags.avx512 = -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512

flags := $(compile) $(value level) $(calls) $(loop_flags.generic) $(CFLAGS) $(LDFLAGS) $(library_flags) $(bench_flags) \
         $(dispatch_flags) $(kernel_flags) $(optim_flags) $(io_flags) $(nn_flags) $(ops_flags) $(blas_flags) \
         $(foreach i,$(isas),$(isa_flags.$i)) \
         $(shell $(CC) --version | head -n 1)
B := build/$(notdir $(firstword $(CC)))-$(MODE)-$(shell printf '%s' '$(subst ','\'',$(flags))' | cksum | cut -d' ' -f1)
Q := $(if $(V),,@)

# ---- what there is ---------------------------------------------------------------------------------------------------
sources  := $(wildcard autograd/*/*.c nn/*.c optim/*.c)
dispatch := $(wildcard autograd/kernels/dispatch*.c)
kernels  := $(filter-out $(dispatch),$(wildcard autograd/kernels/*.c))
objects  := $(patsubst %.c,$B/%.o,$(filter-out $(kernels),$(sources))) $(foreach i,$(isas),$(kernels:%.c=$B/%.$i.o))
headers  := $(wildcard autograd/*.h nn/*.h optim/*.h)
# A file with a main is a program; the others are parts that the programs of its directory share.
users    := $(filter-out test/install/%,$(wildcard $(foreach d,examples test bench,$d/*.c $d/*/*.c)))
mains    := $(shell grep -l '^int main\>' /dev/null $(users))
parts    := $(filter-out $(mains),$(users))
examples := $(patsubst %.c,$B/%,$(filter examples/%,$(mains)))
scripts  := $(filter-out $(if $(filter-out release,$(MODE)),test/test_install.sh),$(wildcard test/test_*.sh))
tests    := $(patsubst %.c,$B/%,$(filter test/test_%,$(mains))) $(scripts)
threaded := $(basename $(notdir $(shell grep -l pthread_create /dev/null $(wildcard test/test_*.c))))
# TESTS='test_a test_b' chooses.
chosen   := $(if $(TESTS),$(foreach t,$(TESTS),$(filter %/$t %/$t.sh,$(tests))),$(tests))

version := $(shell awk '$$2 ~ /^AG_VERSION_(MAJOR|MINOR|PATCH)$$/ { printf "%s%s", dot, $$3; dot = "." }' autograd/version.h)
major   := $(word 1,$(subst ., ,$(version)))
minor   := $(word 2,$(subst ., ,$(version)))
# Before 1.0 each minor version may break programs, so that both numbers are the soname's.
soname  := libretrograd.so.$(major)$(if $(filter 0,$(major)),.$(minor))
shared  := libretrograd.so.$(version)

# ---- the library -----------------------------------------------------------------------------------------------------
all: $B/libretrograd.a $B/libretrograd.so
	@ln -sf $(notdir $B)/libretrograd.a $(notdir $B)/libretrograd.so build/

$B/libretrograd.a: $(objects) $B/objects.txt
	@echo "AR  $@"
	$Qrm -f $@ && $(AR) rcs $@ $(objects)

$B/$(shared): $(objects) $B/objects.txt retrograd.map
	@echo "LD  $@"
	$Q$(CC) -shared $(mode_flags.$(MODE)) $(CFLAGS) -Wl,-soname,$(soname) -Wl,--version-script=retrograd.map \
	    -Wl,-Bsymbolic-functions -Wl,-z,defs $(LDFLAGS) -o $@ $(objects) $(optional_libs) -lm -pthread
$B/libretrograd.so: $B/$(shared)
	@ln -sf $(shared) $B/$(soname) && ln -sf $(shared) $@

# Renewed when a source file comes or goes.
$B/objects.txt: FORCE
	@mkdir -p $B && { echo $(objects) | cmp -s - $@ || echo $(objects) >$@; }

$B/%.o: %.c
	@echo "CC  $<" && mkdir -p $(@D)
	$Q$(compile) $(call level,$<) $(if $(filter $(sources),$<),$(library_flags)) $(if $(filter $(dispatch),$<),$(dispatch_flags)) \
	    $(if $(filter optim/%,$<),$(optim_flags)) $(if $(filter autograd/io/%,$<),$(io_flags)) \
	    $(if $(filter nn/%,$<),$(nn_flags)) $(if $(filter autograd/ops/lapack.c,$<),$(ops_flags)) \
	    $(if $(filter autograd/ops/blas.c autograd/ops/product.c,$<),$(blas_flags)) \
	    $(if $(filter bench/%,$<),$(bench_flags)) -MMD -MP $(CFLAGS) -c -o $@ $<

define kernel_rule
$B/autograd/kernels/%.$1.o: autograd/kernels/%.c
	@echo "CC  $$< ($1)" && mkdir -p $$(@D)
	$Q$$(compile) $$(call level,$$<) $$(library_flags) $$(kernel_flags) $$(loop_flags.$1) $$(isa_flags.$1) -DAG__ISA=$1 -MMD -MP $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach i,$(isas),$(eval $(call kernel_rule,$i)))

# ---- programs: linked statically -------------------------------------------------------------------------------------
libraries.test     = -lcmocka -ljansson -lz
# A program that defines __wrap_malloc gets every call of malloc in it and the library.
wraps = $$(grep -o '__wrap_[a-z_]*' $< | sort -u | sed 's/__wrap_/-Wl,--wrap=/')

define program_rule
$B/$1/parts.a: $(patsubst %.c,$B/%.o,$(filter $1/%,$(parts)))
	@mkdir -p $$(@D) && rm -f $$@ && $$(AR) rcs $$@ $$^
$(patsubst %.c,$B/%,$(filter $1/%,$(mains))): $B/%: %.c $B/%.o $B/$1/parts.a $B/examples/parts.a $B/libretrograd.a
	@echo "LD  $$@"
	$Q$$(CC) $$(mode_flags.$$(MODE)) $$(CFLAGS) $$(wraps) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) \
	    -Wl,--as-needed $$(libraries.$1) $$(optional_libs) -lm -pthread
endef
$(foreach d,examples test bench,$(eval $(call program_rule,$d)))

programs: $(patsubst %.c,$B/%,$(mains))

-include $(patsubst %.c,$B/%.d,$(sources) $(users)) $(foreach i,$(isas),$(kernels:%.c=$B/%.$i.d))

run: $B/examples/fashion_mnist
	@$< $(ARGS)

# ---- tests -----------------------------------------------------------------------------------------------------------
test: $(filter $B/%,$(chosen)) $(examples) $(if $(filter %/test_adbench.sh,$(chosen)),$B/bench/adbench/adbench) $B/libretrograd.a $(if $(filter release,$(MODE)),$B/libretrograd.so)
	@BUILD=$B CC='$(CC)' LIBS='$(optional_libs)' JOBS=$(JOBS) test/run.sh $(chosen)
# Tests ask for more memory than there is; the answer is NULL, as from malloc.
ASAN_OPTIONS  ?= allocator_may_return_null=1:detect_stack_use_after_return=1
TSAN_OPTIONS  ?= allocator_may_return_null=1
UBSAN_OPTIONS ?= print_stacktrace=1
export ASAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS
san:
	@$(MAKE) --no-print-directory MODE=san test
tsan:
	@$(MAKE) --no-print-directory MODE=tsan TESTS='$(or $(TESTS),$(threaded))' test
# valgrind 3.19 does not know AVX-512.
VALGRIND_TESTS = test_error test_memory test_layout test_iterate test_tensor test_print test_tape test_bridge test_scalar
valgrind:
	@AG_ARCH=avx2 RUNNER='valgrind -q --error-exitcode=9 --leak-check=full' \
	    $(MAKE) --no-print-directory TESTS='$(or $(TESTS),$(VALGRIND_TESTS))' test

FUZZ ?= npy safetensors idx
RUNS ?= 10000000
fuzz:
	@$(MAKE) --no-print-directory CC=clang MODE=fuzz fuzz-run
# Compressed, 4096 bytes may be 4 MB, and 17 as i32.
fuzz-run: $(FUZZ:%=$B/fuzz/%)
	@for f in $(FUZZ); do \
	    mkdir -p build/fuzz/$$f && echo "fuzz $$f: $(RUNS) runs" && \
	    $B/fuzz/$$f -runs=$(RUNS) -max_len=4096 -timeout=1 -malloc_limit_mb=$$([ $$f = idx ] && echo 17 || echo 1) \
	        -print_final_stats=1 -artifact_prefix=build/fuzz/$$f- build/fuzz/$$f test/fuzz/corpus/$$f || exit; done
$B/fuzz/%: test/fuzz/fuzz_%.c $B/test/parts.a $B/libretrograd.a
	@echo "LD  $@" && mkdir -p $(@D)
	$Q$(compile) $(CFLAGS) -fsanitize=fuzzer -DFUZZ_TARGET=fuzz_$* $(LDFLAGS) -o $@ $(filter %.c %.a,$^) \
	    -Wl,--as-needed $(optional_libs) -lm -pthread

GOLDEN ?= ../shared/data/torch/ops.jsonl.gz
parity: $B/test/parity
	@$< '$(GOLDEN)' $(if $(ONLY),'$(ONLY)')

trajectories: $B/test/trajectories
	@$< '$(FILE)' '$(ONLY)'

faulted = $(shell sed -n 's/^autograd[^ ]* \([^ ]*\) .*/\1/p' test/mutants/source.txt | tr , '\n' | sort -u)
mutants: $B/test/mutants $(faulted:%=$B/test/%)
	@BUILD=$B JOBS=$(JOBS) COMPILE='$(compile) $(CFLAGS) $(library_flags)' KERNEL='$(kernel_flags) -DAG__ISA=generic' \
	    LIBS='$(optional_libs)' test/mutants.sh

# ---- benchmarks: each compiler that is there ---------------------------------------------------------------------------
bench-tape:
	@for cc in gcc clang; do \
	    command -v $$cc >/dev/null || continue; \
	    $(MAKE) --no-print-directory CC=$$cc MODE=release bench-tape-one || exit; done
bench-tape-one: $B/bench/tape
	@echo "$$($(CC) --version | head -n 1)" && $<
# make adbench [DATA=dir]; PEERS=1 beside ADOL-C, where its headers are, and JAX and CasADi, where $(PYTHON) has them.
DATA   ?= ../shared/data/adbench
PYTHON ?= python3
adolc   = $(if $(PEERS),$(shell echo '\#include <adolc/adolc.h>' | $(CXX) -E -x c++ - >/dev/null 2>&1 && \
    echo $B/bench/adbench/peer_adolc))
adbench: $B/bench/adbench/adbench $(adolc)
	@status=0; $< '$(DATA)' || status=$$?; \
	$(if $(adolc),(cd $B && bench/adbench/peer_adolc '$(abspath $(DATA))') &&) \
	$(if $(PEERS),$(PYTHON) bench/adbench/peer.py '$(DATA)' &&) exit $$status
$B/bench/adbench/peer_adolc: bench/adbench/peer_adolc.cc $B/bench/adbench/files.o
	@echo "CXX $@"
	$Q$(CXX) -std=c++17 -O3 $(bench_flags) -o $@ $^ -ladolc
# make bench-kernels [ARGS='gemm 512x512']; AG_ARCH=avx2 as well.
bench-kernels: $B/bench/kernels
	@$< $(ARGS)

# make bench [CASE=mlp512] [THREADS=2]; PEERS=1 beside PyTorch: Debian's, if python3-torch is installed, and PyPI's newest,
# which is fetched into build/ (several GB).
torch_venv = build/torch
bench: $B/bench/train $(if $(PEERS),peers)
	@$< $(if $(CASE),--case '$(CASE)') --threads '$(or $(THREADS),1)' --json build/bench.jsonl \
	    $(if $(PEERS),$$(/usr/bin/python3 -c 'import torch' 2>/dev/null && echo --peer /usr/bin/python3) \
	        $$([ -x $(torch_venv)/bin/python ] && echo --peer $(torch_venv)/bin/python))
peers:
	@[ -x $(torch_venv)/bin/python ] || { python3 -m venv $(torch_venv) && \
	    $(torch_venv)/bin/pip install -q torch numpy; } || rm -rf $(torch_venv)

# ---- house rules -----------------------------------------------------------------------------------------------------
lint: $B/libretrograd.a $B/libretrograd.so
	@test/lint.sh $B '$(warnings)'
headers:
	awk -v OUT=autograd -f autograd/headers.awk autograd/ops.def
ops:
	@mkdir -p build && awk -f autograd/reference.awk autograd/ops.def >build/ops.md && echo "build/ops.md: $$(tail -n 1 build/ops.md)"
# Headers are set by hand: their columns are for reading.
format:
	clang-format -i $(sources) $(users)

# ---- installation ----------------------------------------------------------------------------------------------------
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
installed_headers = $(headers:%=$(DESTDIR)$(INCLUDEDIR)/retrograd/%)

install: $B/libretrograd.a $B/libretrograd.so
	@install -d $(sort $(dir $(installed_headers))) $(DESTDIR)$(LIBDIR)/pkgconfig
	@for h in $(headers); do install -m 644 $$h $(DESTDIR)$(INCLUDEDIR)/retrograd/$$h || exit; done
	@install -m 644 $B/libretrograd.a $(DESTDIR)$(LIBDIR)/
	@install -m 755 $B/$(shared) $(DESTDIR)$(LIBDIR)/
	@ln -sf $(shared) $(DESTDIR)$(LIBDIR)/$(soname) && ln -sf $(shared) $(DESTDIR)$(LIBDIR)/libretrograd.so
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' 'Name: retrograd' \
	    'Description: reverse-mode automatic differentiation of scalars and tensors on one tape' \
	    'Version: $(version)' 'Cflags: -I$${includedir}/retrograd' 'Libs: -L$${libdir} -lretrograd -lm' \
	    'Libs.private: $(strip -pthread $(optional_libs))' >$(DESTDIR)$(LIBDIR)/pkgconfig/retrograd.pc
	@$(if $(DESTDIR),:,ldconfig 2>/dev/null || :)
	@echo 'retrograd $(version) is in $(DESTDIR)$(PREFIX)'

uninstall:
	@rm -f $(installed_headers) $(DESTDIR)$(LIBDIR)/pkgconfig/retrograd.pc \
	    $(addprefix $(DESTDIR)$(LIBDIR)/,libretrograd.a libretrograd.so $(soname) $(shared))
	@rmdir $(sort $(dir $(installed_headers))) $(DESTDIR)$(INCLUDEDIR)/retrograd 2>/dev/null || :

clean:
	rm -rf build
endif
