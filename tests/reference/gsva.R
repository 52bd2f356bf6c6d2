# Reference scores of R's GSVA: counts in, scores out, for test_enrichment.py.
#
#     cd tests/reference && Rscript gsva.R       # Debian 12: r-bioc-gsva (1.46), r-bioc-deseq2 (1.38)
#
# Writes gsva.counts.tsv (the input, drawn here once), gsva.gmt, gsva.scores.tsv (for the first 3, 4, 6 and all 12 samples)
# and gsva.versions.tsv. Levels are log2(counts / size factor + 1), kernel Gaussian, as karyolot has them.
suppressPackageStartupMessages({ library(GSVA); library(DESeq2) })
set.seed(20221)

genes <- sprintf("G%03d", 1:300)
samples <- sprintf("S%02d", 1:12)
lot <- seq_along(samples) %% 2 == 0
sets <- list(up = genes[1:12], down = genes[21:40], none = genes[seq(101, 251, 10)], small = genes[c(3, 77, 150, 201, 230)])

base <- rlnorm(length(genes), 4, 1.5)
change <- rep(0, length(genes)); change[1:12] <- 1; change[21:40] <- -1
mean <- outer(base, rlnorm(length(samples), 0, 0.3)) * 2^outer(change, lot)
counts <- matrix(rnbinom(length(mean), mu = mean, size = 8), nrow(mean), dimnames = list(genes, samples))
counts[261:280, ] <- 0L                                              # never seen: they do not vary
counts[281:290, ] <- 0L; counts[cbind(281:290, rep(1:5, 2))] <- 7L   # seen in one sample: they tie
counts[291:300, ] <- rpois(10 * length(samples), 1)                  # small numbers, which tie often

score <- function(number) {
  part <- counts[, seq_len(number)]
  levels <- log2(t(t(part) / estimateSizeFactorsForMatrix(part)) + 1)
  result <- suppressWarnings(gsva(levels, sets, method = "gsva", kcdf = "Gaussian", min.sz = 5, verbose = FALSE))
  data.frame(samples = number, set_name = rownames(result)[row(result)], sample_id = colnames(result)[col(result)],
             score = format(as.vector(result), digits = 15, trim = TRUE))
}
write <- function(table, file) write.table(table, file, sep = "\t", quote = FALSE, row.names = FALSE)

write(data.frame(gene_id = genes, counts), "gsva.counts.tsv")
writeLines(mapply(function(name, members) paste(c(name, "planted", members), collapse = "\t"), names(sets), sets), "gsva.gmt")
write(do.call(rbind, lapply(c(3, 4, 6, 12), score)), "gsva.scores.tsv")
write(data.frame(name = c("R", "GSVA", "DESeq2"), version = c(
  paste(R.version$major, R.version$minor, sep = "."), as.character(packageVersion("GSVA")),
  as.character(packageVersion("DESeq2")))), "gsva.versions.tsv")
