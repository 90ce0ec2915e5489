"""What the APIs of ACLs answer in a broker without an authorizer: everybody may do everything, no rule says who may.

Apache's classes: AclApis; CreateAclsRequest and its siblings, which are not taken with a type or operation 0 (UNKNOWN).
"""

from __future__ import annotations

from typing import Any

from kafkapy.handlers.call import HangUpError
from kafkapy.protocol.errors import ErrorCode, KafkaError

_UNKNOWN = 0
_NEVER_UNKNOWN = (
    "resource_type",
    "resource_type_filter",
    "resource_pattern_type",
    "pattern_type_filter",
    "operation",
    "permission_type",
)


def no_authorizer(*asked: Any) -> KafkaError:
    """Why ACLs, or filters of them, are refused. Raises HangUpError if one of them says UNKNOWN."""
    for one in asked:
        for name in _NEVER_UNKNOWN:
            if getattr(one, name, None) == _UNKNOWN:
                raise HangUpError(f"{type(one).__name__} has {name} 0, which stands for what is not known")
    why = "no authorizer is configured on the broker: there are no ACLs, and everybody may do everything"
    return KafkaError(ErrorCode.SECURITY_DISABLED, why)
