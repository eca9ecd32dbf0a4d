"""A small IAM evaluator: documents in, decisions out.

Owns the part of IAM that IoT data-plane, STS trust and this project's own policies use, and refuses
a document that uses anything else: a condition that is silently ignored would allow too much.
Does not own permission boundaries, service control policies, NotPrincipal or resource policies
across accounts.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""

from wire.iam.document import Document, Statement, parse_document
from wire.iam.evaluate import AccessRequest, Decision, Verdict, evaluate, evaluate_trust

__all__ = [
    "AccessRequest",
    "Decision",
    "Document",
    "Statement",
    "Verdict",
    "evaluate",
    "evaluate_trust",
    "parse_document",
]
