"""What the owner's pages show and do. Each function asks the person's role before anything else."""
