# Two commands for a newcomer: `make demo` and `make test`. Each first brings what the machine lacks.

CARGO ?= cargo

.PHONY: demo test lint doc requirements load bench clean

demo: requirements
	$(CARGO) build -p gateway --bin vuzol
	$(CARGO) run --quiet -p gateway --bin vuzol -- demo $(ARGUMENTS)

test: requirements
	$(CARGO) test --workspace
	# Every vector again over the portable provider, and each provider against the other.
	$(CARGO) test -p crypto --features portable

lint: requirements
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

doc: requirements
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

# Figures: see `cargo run --release -p tests --bin load -- --help`.
load: requirements
	$(CARGO) run --release -p tests --bin load -- --rate 500 --seconds 60 --size 4096 --json

# Beside those who do the same: see `cargo run --release -p tests --bin bench -- --help`.
bench: requirements
	$(CARGO) run --release -p tests --bin bench -- crypto
	$(CARGO) run --release -p tests --bin constant_time

requirements:
	@sh .ci/requirements

clean:
	$(CARGO) clean
