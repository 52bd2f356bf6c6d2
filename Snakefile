# The workflow is workflow/Snakefile, where Snakemake and its catalog of workflows look for it. This is the directive
# `include`, with the one word that snakefmt does not know: the first rule there is the default target here, too.
workflow.include("workflow/Snakefile", overwrite_default_target=True)
