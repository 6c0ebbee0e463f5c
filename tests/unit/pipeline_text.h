/* pipeline_text: pipeline files as texts, whole or with one thing changed, and the mistakes in
 * them. Single quotes stand for double ones. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PIPELINE_TEXT_H
#define MILLRACE_PIPELINE_TEXT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

/* A whole pipeline. Its parts may be replaced by text_with. */
#define TEXT_SOURCE                                                                                \
    "{'name':'s','role':'decide','fields':[{'name':'age','from':'Age','type':'int64',"             \
    "'required':true,'pii':'personal'},{'name':'home','type':'text'},"                             \
    "{'name':'at','type':'timestamp'}]}"
#define TEXT_WHOLE                                                                                 \
    "{'name':'loan','sources':[" TEXT_SOURCE "],"                                                  \
    "'clean':[{'rule':'trim','field':'home'},{'rule':'range','field':'age','min':18}],"            \
    "'features':[{'step':'log','name':'log_age','of':'age'}],"                                     \
    "'encode':[{'encoder':'standardise','features':['age','log_age']},"                            \
    "{'encoder':'one_hot','features':['home']}],"                                                  \
    "'label':{'field':'Status','positive':'bad'},"                                                 \
    "'train':{'learner':'logistic'},"                                                              \
    "'score':{'policy':[{'from':0,'decision':'yes'},{'from':0.5,'decision':'no'}]}}"

/* The whole pipeline with the first occurrence of `old` replaced; a static buffer. */
static inline const char *
text_with(const char *old, const char *new)
{
    static char text[65536];
    const char *at = strstr(TEXT_WHOLE, old);
    ck_assert_msg(at != NULL, "the pipeline has no %s", old);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - TEXT_WHOLE), TEXT_WHOLE, new,
             at + strlen(old));
    return text;
}

static inline struct pipeline *
text_read(const char *text, struct mistakes *mistakes)
{
    char *copy = strdup(text);
    for (char *at = copy; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    struct pipeline *pipeline = pipeline_read(bytes_of(copy), mistakes);
    free(copy);
    return pipeline;
}

/* Fails unless the text is a pipeline. */
static inline struct pipeline *
text_pipeline(const char *text)
{
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = text_read(text, mistakes);
    ck_assert_msg(mistakes_count(mistakes) == 0, "%s: %s", mistakes_where(mistakes, 0),
                  mistakes_message(mistakes, 0));
    mistakes_free(&mistakes);
    return pipeline;
}

/* Fails unless the text has exactly one mistake: this one. */
static inline void
text_mistaken(const char *text, const char *where, const char *message)
{
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = text_read(text, mistakes);
    ck_assert_ptr_null(pipeline);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_str_eq(mistakes_message(mistakes, 0), message);
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    mistakes_free(&mistakes);
}

#endif
