/* quality: how well each model version has decided, judged by the outcomes that came later.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_QUALITY_H
#define MILLRACE_MONITORING_QUALITY_H

#include "metrics.h"
#include "warehouse.h"
#include "watch.h"

enum quality_figure { QUALITY_AUC, QUALITY_ACCURACY, QUALITY_RMSE, QUALITY_FIGURES };

/* Computes in SQL AUC and log-loss, of several classes accuracy and log-loss, of numbers the RMSE,
 * when decisions or outcomes have arrived since, at most every
 * QUALITY_EVERY_MS and, where tables are large, at most a tenth of the time. Upserts
 * monitor.quality. An outcome counts when it is late: the newest one of its event, received after
 * the event was. A decision row bears the moment its event was received, and an inline outcome the
 * very same one, so inline outcomes, which the model may have learnt from, stay out. */
#define QUALITY_EVERY_MS 2000
int quality_measure(struct watch *, struct arena *, struct warehouse *,
                    struct metric *const live[QUALITY_FIGURES], struct metric *labelled,
                    struct error *) MUST_CHECK;

#endif
