"""From populations to blocks, from blocks to cores, and what each core then uses."""
