"""Moving the writes from one server to the other: fence, drain, prove, promote.

The same code moves them forward (cutover) and back (rollback); `Switchover.old` has the writes now, `new` is to have
them, and each already follows the other. What holds whatever breaks, and which test tries to break it, stands in
docs/invariants.md.
"""

from migration.cutover.attempt import Aborted, Switchover, parts, plan_switch
from migration.cutover.settle import settle
from migration.cutover.switch import switch

__all__ = ["Aborted", "Switchover", "parts", "plan_switch", "settle", "switch"]
