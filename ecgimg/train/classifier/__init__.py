"""PatchECG and what it is compared with."""
