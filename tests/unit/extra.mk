# Objects that a unit test links before the library: fakes, and parts of services.
# SPDX-License-Identifier: Apache-2.0

EXTRA_test_ingest := $(addprefix build/t/services/ingestion/,identity.o ingest.o structured.o)
build/t/unit/services/test_ingest: $(EXTRA_test_ingest)
EXTRA_test_monitoring := $(addprefix build/t/services/monitoring/,counted.o law.o stages.o watch.o)
build/t/unit/services/test_monitoring: $(EXTRA_test_monitoring)
EXTRA_test_retention := build/t/services/monitoring/retention.o
build/t/unit/services/test_retention: $(EXTRA_test_retention)

EXTRA_test_cli_options := build/t/services/cli/options.o
build/t/unit/services/test_cli_options: $(EXTRA_test_cli_options)
EXTRA_test_cli_output := $(addprefix build/t/services/cli/,output.o progress.o)
build/t/unit/services/test_cli_output: $(EXTRA_test_cli_output)
EXTRA_test_cli_csv := build/t/services/cli/csv_reader.o -lcsv
build/t/unit/services/test_cli_csv: build/t/services/cli/csv_reader.o
EXTRA_test_cli_events := $(addprefix build/t/services/cli/,csv_reader.o events.o events_csv.o events_jsonl.o) -lcsv
build/t/unit/services/test_cli_events: $(addprefix build/t/services/cli/,csv_reader.o events.o events_csv.o events_jsonl.o)
EXTRA_test_cli_topics := $(addprefix build/t/services/cli/,topics.o cli.o output.o options.o)
build/t/unit/services/test_cli_topics: $(EXTRA_test_cli_topics)

EXTRA_test_cli_exported := $(addprefix build/t/services/cli/,exported.o files.o)
build/t/unit/services/test_cli_exported: $(EXTRA_test_cli_exported)

EXTRA_test_cli_letters := build/t/services/cli/letters.o
build/t/unit/services/test_cli_letters: $(EXTRA_test_cli_letters)

EXTRA_test_cli_loans := build/t/services/cli/loans.o
build/t/unit/services/test_cli_loans: $(EXTRA_test_cli_loans)

EXTRA_test_score := build/t/services/scoring/score.o
build/t/unit/services/test_score: $(EXTRA_test_score)
EXTRA_test_train := $(addprefix build/t/services/training/,assess.o assess_features.o train.o train_json.o)
build/t/unit/services/test_train: $(EXTRA_test_train)
EXTRA_test_score_outcomes := build/t/services/scoring/score.o $(EXTRA_test_train)
build/t/unit/services/test_score_outcomes: $(EXTRA_test_score_outcomes)
EXTRA_test_assess := $(EXTRA_test_train)
build/t/unit/services/test_assess: $(EXTRA_test_assess)
EXTRA_test_trial := $(EXTRA_test_train) build/t/services/training/trial.o
build/t/unit/services/test_trial: $(EXTRA_test_trial)
TRAIN_TASK := $(EXTRA_test_train) $(addprefix build/t/services/training/,bench.o blocks.o intake.o keeper.o parting.o \
  parts.o record.o relay.o searches.o searching.o settings.o task.o trial.o)
EXTRA_test_train_task := $(TRAIN_TASK) -Wl,--wrap=train_fit
build/t/unit/services/test_train_task: $(TRAIN_TASK)
EXTRA_test_train_settings := build/t/services/training/settings.o
build/t/unit/services/test_train_settings: $(EXTRA_test_train_settings)
EXTRA_test_history := $(TRAIN_TASK)
build/t/unit/test_history: $(TRAIN_TASK)
EXTRA_test_blocks := $(TRAIN_TASK)
build/t/unit/services/test_blocks: $(TRAIN_TASK)
EXTRA_test_relay := build/t/services/training/relay.o
build/t/unit/services/test_relay: $(EXTRA_test_relay)
EXTRA_test_searching := $(TRAIN_TASK)
build/t/unit/services/test_searching: $(TRAIN_TASK)
EXTRA_test_parting := $(TRAIN_TASK)
build/t/unit/services/test_parting: $(TRAIN_TASK)

EXTRA_test_clean := build/t/services/cleaning/clean.o
build/t/unit/services/test_clean: $(EXTRA_test_clean)
EXTRA_test_compute := build/t/services/features/compute.o
build/t/unit/services/test_compute: $(EXTRA_test_compute)

# The loops run over a broker, a catalog and a clock of their tests.
LOOP_FAKES := $(addprefix build/t/tests/unit/,fake_broker.o fake_group.o fake_reader.o fake_catalog.o fake_clock.o)
LOOP_TESTS := test_stream test_stream_state test_stream_batch test_stream_guard test_stream_input \
  test_stream_write test_sink test_sink_layers test_sink_positions
$(foreach t,$(LOOP_TESTS),$(eval EXTRA_$(t) := $(LOOP_FAKES)))
$(LOOP_TESTS:%=build/t/unit/%): $(LOOP_FAKES)
EXTRA_test_monitor := $(filter-out %/main.o,$(patsubst %.c,build/t/%.o,$(wildcard services/monitoring/*.c))) $(LOOP_FAKES)
build/t/unit/services/test_monitor: $(EXTRA_test_monitor)

# They run the program rather than link it.
$(addprefix build/t/unit/,test_fault_proxy test_fault_proxy_postgresql): | build/t/fault-proxy
