# vigie: all that anyone needs is `make run` and `make test`.

CARGO ?= cargo
# Options for the program: make run ARGS="--name lookout"
ARGS ?=
# The checkout that `make shape` reads; this one by default.
ROOT ?= .
# Tests at a time: most of them wait (for packets, for time limits, for terminals), so more than there are cores.
export RUST_TEST_THREADS ?= 8
# Where vigie is installed; DESTDIR stands before it for who makes a package.
PREFIX ?= /usr/local
DESTDIR ?=
# What is installed. It is built if it is not there: so `make build && sudo make install` needs no cargo of root.
BIN ?= target/release/vigie

.PHONY: help build install uninstall deb run test check fmt lint doc deny shape bench accuracy scale figures portable fuzz soak screenshots clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

build: ## Build the program: target/release/vigie
	$(CARGO) build --release --locked

# What `make install` writes, apart from the manual pages.
AT := $(DESTDIR)$(PREFIX)
BASH := $(AT)/share/bash-completion/completions/vigie
ZSH := $(AT)/share/zsh/site-functions/_vigie
FISH := $(AT)/share/fish/vendor_completions.d/vigie.fish
UNIT := $(AT)/lib/systemd/system/vigie.service
USER_UNIT := $(AT)/lib/systemd/user/vigie.service

$(BIN):
	$(MAKE) build

install: $(BIN) ## Install program, manual, completions and service below PREFIX (/usr/local)
	install -D -m 755 $(BIN) $(AT)/bin/vigie
	install -d $(AT)/share/man/man1 $(dir $(BASH) $(ZSH) $(FISH) $(UNIT) $(USER_UNIT))
	$(BIN) man --into $(AT)/share/man/man1
	$(BIN) completions bash > $(BASH)
	$(BIN) completions zsh > $(ZSH)
	$(BIN) completions fish > $(FISH)
	sed 's|/usr/local|$(PREFIX)|' assets/vigie.service > $(UNIT)
	sed 's|/usr/local|$(PREFIX)|' assets/vigie-user.service > $(USER_UNIT)

uninstall: ## Remove what was installed
	rm -f $(AT)/bin/vigie $(AT)/share/man/man1/vigie.1 $(AT)/share/man/man1/vigie-*.1
	rm -f $(BASH) $(ZSH) $(FISH) $(UNIT) $(USER_UNIT)

deb: build ## Pack what `make install` installs for Debian and Ubuntu (needs `cargo install --locked cargo-deb`)
	@$(CARGO) deb --version >/dev/null 2>&1 || { echo 'there is no cargo-deb: cargo install --locked cargo-deb' >&2; exit 1; }
	rm -rf target/deb && $(MAKE) --silent install DESTDIR=target/deb PREFIX=/usr
	mkdir -p target/deb/scripts && $(CARGO) deb --locked --no-build --output target/debian/

run: build ## Build the program and run it
	./target/release/vigie $(ARGS)

test: ## Run all tests (those on network namespaces skip themselves without the tools)
	$(CARGO) test --locked --lib --bins --tests --examples --no-fail-fast
	$(CARGO) test --locked --doc

check: fmt lint doc deny test ## All gates: format, lints, documentation, dependencies, tests

fmt: ## Check the format
	$(CARGO) fmt --all -- --check

lint: ## Clippy, warnings are errors
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc: ## Build the documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

deny: ## Check licences and sources of the dependencies, where cargo-deny is installed
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check licenses bans sources; \
	else echo 'not checked: there is no cargo-deny (cargo install --locked cargo-deny)'; test -z "$$CI"; fi

shape: ## Count what is wrong with the shape of the source, of another checkout with ROOT=path
	@$(CARGO) run --quiet --locked --example shape -- $(ROOT)

bench: ## Measure us and the bare machine side by side
	$(CARGO) bench --locked

accuracy: ## Measure how often the diagnosis is right, into docs/accuracy.md; replay one network with ARGS="--seed 7 --hosts 5 --loss 0"
	$(CARGO) run --release --locked --example accuracy -- $(ARGS)

scale: ## Count what one node costs among 10 to 300, into docs/scale.md; one size with ARGS="--only 1000"
	$(CARGO) run --release --locked --example scale -- $(ARGS)

# They are added by `rustup target add`.
TARGETS := x86_64-pc-windows-gnu aarch64-apple-darwin

# A check links nothing, so that no C compiler for them is needed: `true` is one that compiles all that it is given.
portable: ## Check that it compiles for Windows and macOS
	for target in $(TARGETS); do CC=true AR=true $(CARGO) check --locked --lib --bins --target $$target || exit 1; done

figures: build ## Measure discovery, loss, causes, false alarms and cost on real hosts (about two hours), beside an older program with BEFORE=path and the agent of serf with SERF=path
	$(CARGO) run --release --locked --example figures -- ./target/release/vigie $(if $(BEFORE),--before $(BEFORE)) $(if $(SERF),--serf $(SERF))

# What each target does stands in src/testkit/fuzz. Without a sanitizer: there is no unsafe code to watch, and no nightly toolchain is needed.
FUZZED ?= datagram exchange pages sealed control siege
FUZZ_SECONDS ?= 60

fuzz: ## Fuzz for a minute each what reads from others, and the engine among forgers (needs `cargo install cargo-fuzz`)
	mkdir -p $(addprefix fuzz/corpus/,$(FUZZED))
	for target in $(FUZZED); do \
	  $(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -timeout=10 || exit 1; \
	done

soak: build ## Twenty real nodes among all that can go wrong, for ten minutes; more with ARGS="--nodes 5 --seconds 60 --seed 7"
	$(CARGO) run --release --locked --example soak -- ./target/release/vigie $(ARGS)

screenshots: build ## Draw the pictures of the README from the real screen
	$(CARGO) run --locked --example screenshots

clean: ## Remove what was built
	$(CARGO) clean
