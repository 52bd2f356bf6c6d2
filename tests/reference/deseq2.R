# Reference results of R's DESeq2 for tests/unit/test_deseq.py.
#
#     Rscript tests/reference/deseq2.R        (about two minutes; on Debian: apt-get install r-bioc-deseq2)
#
# Simulates six studies and writes, beside itself, for each: deseq2_STUDY_counts.tsv.gz (genes x samples; a sample is named
# donor.state.kit.replicate) and deseq2_STUDY_results.tsv.gz (results() at alpha 0.05); and of all: deseq2_fits.tsv (trend
# and prior of the dispersions) and deseq2_versions.tsv. The same versions write the same bytes.
#
# Dispersions scatter about their trend with a log sd of 1 and more: with less, the prior variance stands at its floor of
# 0.25 in every implementation, and a missing estimator for few degrees of freedom goes unseen.

suppressMessages(library(DESeq2))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
path <- function(...) file.path(here, paste0("deseq2_", ...))

studies <- list( # kits: replicates go in turn to so many library kits. outliers: fraction of genes with one impossible count.
  two_pairs    = list(donors = 2, replicates = 1, kits = 1, genes = 2000, log_sd = 1.5, outliers = 0,    seed = 1),
  three_pairs  = list(donors = 3, replicates = 1, kits = 1, genes = 5000, log_sd = 1.0, outliers = 0,    seed = 2),
  four_pairs   = list(donors = 4, replicates = 1, kits = 1, genes = 3000, log_sd = 1.2, outliers = 0,    seed = 3),
  six_pairs    = list(donors = 6, replicates = 1, kits = 1, genes = 2500, log_sd = 1.0, outliers = 0,    seed = 4),
  two_kits     = list(donors = 3, replicates = 2, kits = 2, genes = 2000, log_sd = 1.0, outliers = 0,    seed = 5),
  triplicates  = list(donors = 1, replicates = 3, kits = 1, genes = 2000, log_sd = 1.0, outliers = 0.05, seed = 6),
  eight_a_side = list(donors = 1, replicates = 8, kits = 1, genes = 1500, log_sd = 1.0, outliers = 0.05, seed = 7)
)

simulate <- function(s) {
  set.seed(s$seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  samples <- expand.grid(replicate = seq_len(s$replicates), state = c("hepatocyte", "lot"), donor = paste0("D", seq_len(s$donors)))
  samples$kit <- paste0("K", (samples$replicate - 1) %% s$kits + 1)
  base <- exp(rnorm(s$genes, log(150), 2))
  dispersion <- (0.03 + 2 / base) * exp(rnorm(s$genes, 0, s$log_sd))
  change <- ifelse(seq_len(s$genes) <= s$genes / 6, rnorm(s$genes, 0, 1.5), 0)
  donor <- matrix(rnorm(s$genes * s$donors, 0, 0.5), s$genes)
  kit <- matrix(rnorm(s$genes * s$kits, 0, 0.3), s$genes)
  depth <- exp(rnorm(nrow(samples), 0, 0.3))
  log2_mean <- log2(base) + donor[, as.integer(samples$donor)] + kit[, as.integer(factor(samples$kit))] +
    outer(change, as.numeric(samples$state == "lot"))
  counts <- matrix(rnbinom(length(log2_mean), mu = t(t(2^log2_mean) * depth), size = 1 / dispersion), s$genes)
  for (gene in sample(s$genes, s$genes * s$outliers)) counts[gene, sample(ncol(counts), 1)] <- max(counts[gene, ]) * 30 + 500
  storage.mode(counts) <- "integer"
  dimnames(counts) <- list(sprintf("G%04d", seq_len(s$genes)), with(samples, paste(donor, state, kit, replicate, sep = ".")))
  list(counts = counts, samples = samples)
}

# R's estimator for 3 degrees of freedom or fewer draws at random from a fixed seed: what other seeds would give.
with_seed <- function(seed) {
  source <- deparse(DESeq2:::estimateDispersionsPriorVar)
  f <- eval(parse(text = sub("set.seed(2)", sprintf("set.seed(%d)", seed), source, fixed = TRUE)))
  environment(f) <- asNamespace("DESeq2")
  f
}

fits <- NULL
for (name in names(studies)) {
  study <- simulate(studies[[name]])
  samples <- data.frame(lapply(study$samples, factor), row.names = colnames(study$counts))
  terms <- Filter(function(term) nlevels(samples[[term]]) > 1, c("kit", "donor", "state"))
  dds <- DESeq(DESeqDataSetFromMatrix(study$counts, samples, reformulate(terms)), quiet = TRUE)
  found <- results(dds, alpha = 0.05)
  df <- ncol(dds) - ncol(model.matrix(design(dds), samples))
  seeds <- if (df <= 3) sapply(1:20, function(seed) with_seed(seed)(dds)) else NA
  trend <- attr(dispersionFunction(dds), "coefficients")
  fits <- rbind(fits, data.frame(
    study = name, residual_df = df, a0 = signif(trend[[1]], 8), a1 = signif(trend[[2]], 8),
    prior_variance = signif(attr(dispersionFunction(dds), "dispPriorVar"), 8),
    seeds_mean = signif(mean(seeds), 5), seeds_sd = signif(sd(seeds), 3)
  ))
  table <- data.frame(gene_id = rownames(found), lapply(as.data.frame(found), signif, 6))
  names(table) <- c("gene_id", "base_mean", "log2fc", "log2fc_se", "stat", "p", "padj")
  for (out in list(list(table, "_results"), list(data.frame(gene_id = rownames(study$counts), study$counts), "_counts"))) {
    file <- gzfile(path(name, out[[2]], ".tsv.gz"), "w", compression = 9)
    write.table(out[[1]], file, sep = "\t", quote = FALSE, row.names = FALSE, na = "")
    close(file)
  }
}
write.table(fits, path("fits.tsv"), sep = "\t", quote = FALSE, row.names = FALSE, na = "")
versions <- c(R = as.character(getRversion()), DESeq2 = as.character(packageVersion("DESeq2")), locfit = as.character(packageVersion("locfit")))
write.table(data.frame(name = names(versions), version = versions), path("versions.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
