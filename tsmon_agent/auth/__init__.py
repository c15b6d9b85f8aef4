"""Who may do what, and who did it: roles, tokens, sign-ins and the audit, in the state."""

from tsmon_agent.auth.audit import (
    DONE,
    REFUSED,
    Actor,
    audit_entry_to_json,
    current_user,
    query_audit,
    record_audit,
)
from tsmon_agent.auth.roles import Role, is_allowed
from tsmon_agent.auth.secrets import compute_proof, secrets_match
from tsmon_agent.auth.sign_ins import begin_sign_in, end_sign_in, find_sign_in_holder
from tsmon_agent.auth.tokens import (
    Holder,
    count_usable_tokens,
    create_token,
    find_token_holder,
    query_tokens,
    revoke_token,
    rotate_token,
)

__all__ = [
    "DONE",
    "REFUSED",
    "Actor",
    "Holder",
    "Role",
    "audit_entry_to_json",
    "begin_sign_in",
    "compute_proof",
    "count_usable_tokens",
    "create_token",
    "current_user",
    "end_sign_in",
    "find_sign_in_holder",
    "find_token_holder",
    "is_allowed",
    "query_audit",
    "query_tokens",
    "record_audit",
    "revoke_token",
    "rotate_token",
    "secrets_match",
]
