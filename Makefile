# vigie: all that anyone needs is `make run` and `make test`.

CARGO ?= cargo
# Options for the program: make run ARGS="--name lookout"
ARGS ?=
# The checkout that `make shape` reads; this one by default.
ROOT ?= .

.PHONY: help build run test check fmt lint doc shape bench accuracy figures portable fuzz screenshots clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

build: ## Build the program: target/release/vigie
	$(CARGO) build --release --locked

run: build ## Build the program and run it
	./target/release/vigie $(ARGS)

test: ## Run all tests (those on network namespaces skip themselves without the tools)
	$(CARGO) test --locked --all-targets --no-fail-fast
	$(CARGO) test --locked --doc

check: fmt lint doc test ## All gates: format, lints, documentation, tests

fmt: ## Check the format
	$(CARGO) fmt --all -- --check

lint: ## Clippy, warnings are errors
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc: ## Build the documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

shape: ## Count what is wrong with the shape of the source, of another checkout with ROOT=path
	@$(CARGO) run --quiet --locked --example shape -- $(ROOT)

bench: ## Measure us and the bare machine side by side
	$(CARGO) bench --locked

accuracy: ## Measure how often the diagnosis is right, into docs/accuracy.md; replay one network with ARGS="--seed 7 --hosts 5 --loss 0"
	$(CARGO) run --release --locked --example accuracy -- $(ARGS)

# They are added by `rustup target add`.
TARGETS := x86_64-pc-windows-gnu aarch64-apple-darwin

portable: ## Check that it compiles for Windows and macOS
	for target in $(TARGETS); do $(CARGO) check --locked --lib --bins --target $$target || exit 1; done

figures: build ## Measure discovery, start, loss and cost on real hosts, beside an older program with BEFORE=path and the agent of serf with SERF=path
	$(CARGO) run --release --locked --example figures -- ./target/release/vigie $(if $(BEFORE),--before $(BEFORE)) $(if $(SERF),--serf $(SERF))

fuzz: ## Fuzz the decoders for a minute each (needs cargo-fuzz and a nightly toolchain)
	cd fuzz && for target in presence exchange; do $(CARGO) fuzz run $$target -- -max_total_time=60 || exit 1; done

screenshots: build ## Draw the pictures of the README from the real screen
	$(CARGO) run --locked --example screenshots

clean: ## Remove what was built
	$(CARGO) clean
