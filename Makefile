# Short names for people; the build itself is meson.build.
.PHONY: all demo demo-full test tidy san bench fuzz sim bless clean help
BUILD ?= build
T ?= record
SECONDS ?= 60

all: $(BUILD)/build.ninja          ## build everything
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/setup.sh build
	@meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

demo:                              ## start here: five clusters on this machine tell their story
	@tools/setup.sh build
	@$(MAKE) -s $(BUILD)/build.ninja
	@ninja -C $(BUILD) src/app/mcos src/app/mcos-demo src/app/mcosd
	@$(BUILD)/src/app/mcos demo

demo-full:                         ## the same on RabbitMQ, Redis and memcached of its own
	@tools/setup.sh build demo
	@$(MAKE) -s $(BUILD)/build.ninja
	@ninja -C $(BUILD) src/app/mcos src/app/mcos-demo src/app/mcosd module/redis/mcos.so
	@$(BUILD)/src/app/mcos demo --full

test:                              ## everything that is checked, as CI does it
	@tools/test.sh

tidy: all                          ## layers, format, lengths, words
	@tools/tidy.sh $(BUILD)

san:                               ## the tests under ASan and UBSan (clang)
	@tools/setup.sh build test
	@tools/san.sh

bench: all                         ## figures, with their peers beside them; QUICK=--quick: fewer
	@tools/setup.sh build test bench
	@tools/bench.sh $(QUICK)

fuzz:                              ## one fuzzer for a while: make fuzz T=record SECONDS=60
	@tools/setup.sh build test
	@tools/fuzz.sh $(T) $(SECONDS)

sim: all                           ## one small world by its seed: make sim SEED=7
	@$(BUILD)/sim/mcos-sim --seed $(or $(SEED),1)

clean:                             ## remove what was built
	@rm -rf build build-san build-tsan build-fuzz

help:                              ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' Makefile
