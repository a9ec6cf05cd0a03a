"""From two records, or two revisions, to verdicts that a CI can trust, and tests of these verdicts.

Read `verdicts` first, then `decide` and `looks` (the statistical tests), `git.ab_run` (how two sides are
measured) and `selftest` (how often the verdicts are wrong).
"""
