# Rscript _mixed_models.R glmer|lmer|clmm answers.csv: prints the CPU seconds of the fit.
arguments <- commandArgs(TRUE)
package <- if (arguments[1] == "clmm") "ordinal" else "lme4"
suppressMessages(library(package, character.only = TRUE))
answers <- read.csv(arguments[2])
answers$participant <- factor(answers$participant)
answers$item <- factor(answers$item)
seconds <- system.time(switch(arguments[1],
  glmer = glmer(correct ~ condition + (1 | participant) + (1 | item), answers, family = binomial),
  lmer = lmer(logrt ~ condition + (1 | participant) + (1 | item), answers),
  clmm = clmm(ordered(rating) ~ condition + (1 | participant) + (1 | item), answers)))
cat(sum(seconds[c("user.self", "sys.self")]), "\n")
