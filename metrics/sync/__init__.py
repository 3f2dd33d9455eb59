"""Whether what is heard happens when what is seen happens."""
