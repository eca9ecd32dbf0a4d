"""What a workload means for AWS's quotas and for the bill, before anything is deployed.

Pure: a workload and figures in, a plan out. The figures stand in `gateway/plan/figures.toml`; the
command, its tables and its plot are in `gateway/plan` and `gateway/commands/plan.py`.
"""
