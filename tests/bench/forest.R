# ranger, a peer of fits.c, which describes the files and what is printed.
# forest.R TREES THREADS SEED TRAINING TEST SCORES
# SPDX-License-Identifier: Apache-2.0
suppressMessages(library(ranger))
arguments <- commandArgs(trailingOnly = TRUE)
read <- function(path) {
    file <- file(path, "rb")
    head <- readBin(file, "integer", 6, 4)[c(1, 3)] # low halves of the uint64
    x <- matrix(readBin(file, "double", prod(head), 4), ncol = head[2], byrow = TRUE)
    colnames(x) <- paste0("x", seq_len(head[2]))
    y <- readBin(file, "double", head[1], 8)
    close(file)
    list(x = x, y = y)
}
peak_mb <- function() {
    line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
    as.numeric(gsub("[^0-9]", "", line)) / 1024
}
training <- read(arguments[4])
test <- read(arguments[5])
before <- peak_mb()
took <- system.time(model <- ranger(
    x = training$x, y = factor(training$y), num.trees = as.integer(arguments[1]), probability = TRUE,
    min.node.size = 1, num.threads = as.integer(arguments[2]), seed = as.integer(arguments[3])))
mb <- peak_mb()
scores <- predict(model, test$x, num.threads = 1)$predictions[, "1"]
writeBin(as.double(scores), arguments[6])
cat(sprintf("cpu_seconds=%.4f seconds=%.4f mb=%.0f fit_mb=%.0f\n", took[["user.self"]] + took[["sys.self"]],
    took[["elapsed"]], mb, mb - before))
