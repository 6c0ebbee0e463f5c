/* verbs: what the command can do, one descriptor each, defined in the file of its noun.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_VERBS_H
#define MILLRACE_CLI_VERBS_H

#include "cli.h"

extern const struct verb verb_pipeline_apply, verb_pipeline_list, verb_pipeline_show,
    verb_pipeline_schema;
extern const struct verb verb_ingest, verb_train, verb_train_cancel, verb_train_export;
extern const struct verb verb_models_list, verb_models_show, verb_models_report,
    verb_models_promote, verb_models_import, verb_models_export;
extern const struct verb verb_decisions, verb_lineage, verb_status, verb_tail, verb_dead,
    verb_dead_replay, verb_rebuild;
extern const struct verb verb_positions, verb_positions_set;
extern const struct verb verb_db_migrate, verb_db_grants, verb_db_status, verb_topics, verb_version;
extern const struct verb verb_generate_loans;

#endif
